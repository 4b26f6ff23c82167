/** How one registry, or one mirror, is reached. */
export interface RegistryOptions {
  /**
   * Whether requests may go unencrypted. `never`; `fallback`: https first, and http if nobody speaks TLS there; `always`. If not said: `fallback` for exactly
   * `localhost`, `127.0.0.0/8` and `[::1]`, `never` for all others.
   */
  readonly plainHttp?: 'never' | 'fallback' | 'always';
  /** Accept any certificate. */
  readonly skipTlsVerify?: boolean;
  /** Further certificate authorities, in PEM. */
  readonly ca?: string | readonly string[];
  /** The client's own certificate and its key, in PEM; before one of `certDir`. */
  readonly cert?: string;
  readonly key?: string;
  /** A directory with `*.crt` (authorities), and `*.cert` and `*.key` of the same name (the client's own). */
  readonly certDir?: string;
  /** Tried in this order before the registry itself, for reading only: `host[:port][/prefix]`. */
  readonly mirrors?: readonly string[];
  /** `host[:port]` of token servers of another site that may get this registry's credentials. */
  readonly trustedRealms?: readonly string[];
}

/** Options by `host[:port]` (Docker Hub: `docker.io`), over those for all. */
export interface RegistryTable {
  readonly defaults: RegistryOptions;
  readonly registries: Readonly<Record<string, RegistryOptions>>;
}

/** What holds for one registry. */
export function optionsOf({ defaults, registries }: RegistryTable, registry: string): RegistryOptions {
  return Object.hasOwn(registries, registry) ? { ...defaults, ...registries[registry] } : defaults;
}

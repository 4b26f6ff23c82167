/** A name and a password, or what a registry calls so. */
export interface PasswordCredentials {
  readonly username: string;
  readonly password: string;
}

/** Proves who somebody is to the token server (an OAuth refresh token), which gives out tokens for the registry. */
export interface IdentityTokenCredentials {
  readonly identityToken: string;
}

/** Goes to the registry as it is. */
export interface RegistryTokenCredentials {
  readonly registryToken: string;
}

/** What opens a registry. Kept out of errors, warnings and progress. */
export type Credentials = PasswordCredentials | IdentityTokenCredentials | RegistryTokenCredentials;

/** What credentials are wanted for. */
export interface CredentialTarget {
  /** `host` or `host:port`; Docker Hub is `docker.io`. */
  readonly registry: string;
  /** As in `/v2/<repository>/`; absent where the registry as a whole is meant. */
  readonly repository?: string;
}

/** Finds credentials; undefined where there are none. Asked only when a registry wants a login. */
export type CredentialProvider = (target: CredentialTarget, options: { readonly signal?: AbortSignal }) => Promise<Credentials | undefined>;

/** Never any credentials. */
export const anonymous: CredentialProvider = () => Promise.resolve(undefined);

/** Credentials for these registries (`host`, `host:port` or `docker.io`) and for no other. */
export function credentialsFor(registries: Readonly<Record<string, Credentials>>): CredentialProvider {
  const table = new Map(Object.entries(registries));
  return ({ registry }) => Promise.resolve(table.get(registry));
}

/** The value of `Authorization` for Basic. */
export function basicAuthorization({ username, password }: PasswordCredentials): string {
  return `Basic ${Buffer.from(`${username}:${password}`, 'utf8').toString('base64')}`;
}

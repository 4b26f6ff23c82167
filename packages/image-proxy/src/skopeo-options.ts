import type { Platform } from '@cfskit/oci-spec';

/** What skopeo is told. Everything that is not said here is as the machine's container configuration has it. */
export interface SkopeoOptions {
  /** The program; `skopeo` on PATH if not said. */
  readonly skopeo?: string | undefined;
  /** The program that enters a user namespace for `containers-storage:`; `podman` on PATH if not said. */
  readonly podman?: string | undefined;
  /** Where relative paths begin. */
  readonly cwd?: string | undefined;
  /** Environment of skopeo; ours if not said. */
  readonly env?: NodeJS.ProcessEnv | undefined;
  /** Where temporary directories are made; `/var/tmp` if not said, because images can be large. */
  readonly tmpdir?: string | undefined;
  /** Credentials file. */
  readonly authfile?: string | undefined;
  /** `user:password` for the registry of the reference. skopeo gets it in a file that nobody else can read. */
  readonly creds?: string | undefined;
  /** Use no credentials at all. */
  readonly noCreds?: boolean | undefined;
  /** Require TLS with a certificate that holds, or do without; as the registries' configuration says if not said. */
  readonly tlsVerify?: boolean | undefined;
  /** Certificates for the registry. */
  readonly certDir?: string | undefined;
  /** Blobs that several `oci:` layouts share. */
  readonly sharedBlobDir?: string | undefined;
  /** The daemon of `docker-daemon:`. */
  readonly daemonHost?: string | undefined;
  /** Signature policy. */
  readonly policy?: string | undefined;
  /** Accept images whatever the signature policy says. */
  readonly insecurePolicy?: boolean | undefined;
  /** Configuration of signature storage. */
  readonly registriesDir?: string | undefined;
}

/** The subcommands of skopeo that we run. */
export type Subcommand = 'experimental-image-proxy' | 'inspect' | 'copy';

/** What a run is given besides what the user wants. */
export interface RunSettings {
  readonly platform: Platform | undefined;
  readonly tmpdir: string;
}

/** The arguments of a run of skopeo, up to those of the subcommand itself. */
export function skopeoArguments(subcommand: Subcommand, options: SkopeoOptions, { platform, tmpdir }: RunSettings): readonly string[] {
  const prefix = subcommand === 'copy' ? '--src-' : '--';
  return [
    ...withValue('--policy', options.policy),
    ...(options.insecurePolicy === true ? ['--insecure-policy'] : []),
    ...withValue('--registries.d', options.registriesDir),
    ...withValue('--override-os', platform?.os),
    ...withValue('--override-arch', platform?.architecture),
    ...withValue('--override-variant', platform?.variant),
    '--tmpdir',
    tmpdir,
    subcommand,
    ...withValue(`${prefix}authfile`, options.authfile),
    ...(options.noCreds === true ? [`${prefix}no-creds`] : []),
    ...(options.tlsVerify === undefined ? [] : [`${prefix}tls-verify=${options.tlsVerify}`]),
    ...withValue(`${prefix}cert-dir`, options.certDir),
    ...withValue(`${prefix}shared-blob-dir`, options.sharedBlobDir),
    ...withValue(`${prefix}daemon-host`, options.daemonHost),
  ];
}

function withValue(option: string, value: string | undefined): readonly string[] {
  return value === undefined ? [] : [option, value];
}

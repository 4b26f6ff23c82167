import type { ErrorCode } from './error-codes.ts';

/** What a user can do about an error, where there is an option or a command for it. */
export const hints: Readonly<Partial<Record<ErrorCode, string>>> = {
  FOREIGN_LAYER: '--foreign-layers fetches it from there',
  PLAIN_HTTP: '--tls-verify=false allows it',
  TLS: '--cert-dir DIR trusts the certificates in a directory, --tls-verify=false any',
  UNAUTHORIZED: 'log in with `cfskit login REGISTRY`, or give --creds USER:PASSWORD',
};

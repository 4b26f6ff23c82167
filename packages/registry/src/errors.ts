/**
 * What went wrong between us and a registry.
 *
 * - `CONNECTION`, `TIMEOUT`, `TLS`, `PLAIN_HTTP`: no answer; a certificate that does not hold; a server that speaks HTTP where TLS is wanted
 * - `NOT_A_REGISTRY`: something answers, such as a login page, but no registry
 * - `UNAUTHORIZED`, `DENIED`: a login is needed or was refused; the login is good but not for this
 * - `UNSUPPORTED_CHALLENGE`, `REALM_REFUSED`, `BAD_TOKEN`: a demand for a login that cannot be met, or must not be; a token answer without token
 * - `NAME_UNKNOWN`, `MANIFEST_UNKNOWN`, `BLOB_UNKNOWN`: not there
 * - `TOO_MANY_REQUESTS`, `SERVER_ERROR`, `REJECTED`, `UNEXPECTED_STATUS`: 429; 5xx; 400, 405, 413 and the like; any other
 * - `REDIRECT_REFUSED`, `TOO_MANY_REDIRECTS`: led to where we do not go; led on and on
 * - `BAD_RESPONSE`, `BAD_RANGE`, `DIGEST_HEADER`: an answer against the specification; the wrong part of a blob; `Docker-Content-Digest` lies
 * - `TOO_LARGE`: a document above the limit
 * - `MEDIA_TYPE_MISMATCH`, `UNSUPPORTED_MANIFEST`: header, body and descriptor disagree; neither a manifest nor an index that is read
 * - `FOREIGN_LAYER`: a layer that is to be had elsewhere, which was not asked for
 * - `UPLOAD_LOST`, `SOURCE_SPENT`: the registry forgot an upload; bytes would have to be sent again, but their source gives them only once
 */
export type RegistryErrorCode =
  | 'CONNECTION'
  | 'TIMEOUT'
  | 'TLS'
  | 'PLAIN_HTTP'
  | 'NOT_A_REGISTRY'
  | 'UNAUTHORIZED'
  | 'DENIED'
  | 'UNSUPPORTED_CHALLENGE'
  | 'REALM_REFUSED'
  | 'BAD_TOKEN'
  | 'NAME_UNKNOWN'
  | 'MANIFEST_UNKNOWN'
  | 'BLOB_UNKNOWN'
  | 'TOO_MANY_REQUESTS'
  | 'SERVER_ERROR'
  | 'REJECTED'
  | 'UNEXPECTED_STATUS'
  | 'REDIRECT_REFUSED'
  | 'TOO_MANY_REDIRECTS'
  | 'BAD_RESPONSE'
  | 'BAD_RANGE'
  | 'DIGEST_HEADER'
  | 'TOO_LARGE'
  | 'MEDIA_TYPE_MISMATCH'
  | 'UNSUPPORTED_MANIFEST'
  | 'FOREIGN_LAYER'
  | 'UPLOAD_LOST'
  | 'SOURCE_SPENT';

/** One entry of a registry's own error list, cut to a length that can be shown. */
export interface RegistryErrorEntry {
  /** Such as `MANIFEST_BLOB_UNKNOWN`. */
  readonly code: string;
  readonly message: string;
  /** As JSON, for it may be anything. */
  readonly detail?: string;
}

/** Where a {@link RegistryError} happened, as far as it is known. Nothing in it is secret: URLs come without query and user. */
export interface RegistryErrorPlace extends ErrorOptions {
  /** `host` or `host:port`. */
  readonly registry?: string;
  /** As in `/v2/<repository>/`. */
  readonly repository?: string;
  readonly url?: string;
  readonly status?: number;
  /** What the registry said. */
  readonly errors?: readonly RegistryErrorEntry[];
  readonly digest?: string;
  /** How long the registry wants to be left alone. */
  readonly retryAfterMs?: number;
}

/** A request to a registry failed, or its answer cannot be used. Holds no credentials. */
export class RegistryError extends Error {
  static {
    this.prototype.name = 'RegistryError';
  }
  readonly code: RegistryErrorCode;
  readonly registry: string | undefined;
  readonly repository: string | undefined;
  readonly url: string | undefined;
  readonly status: number | undefined;
  readonly errors: readonly RegistryErrorEntry[];
  readonly digest: string | undefined;
  readonly retryAfterMs: number | undefined;

  constructor(code: RegistryErrorCode, message: string, place: RegistryErrorPlace = {}) {
    super(message, 'cause' in place ? { cause: place.cause } : undefined);
    this.code = code;
    this.registry = place.registry;
    this.repository = place.repository;
    this.url = place.url;
    this.status = place.status;
    this.errors = place.errors ?? [];
    this.digest = place.digest;
    this.retryAfterMs = place.retryAfterMs;
  }
}

/**
 * What is wrong with stored credentials or the programs that keep them.
 *
 * - `INVALID_AUTH_FILE`, `AUTH_FILE_ACCESS`: a file that is not what the format says; one that cannot be read or written
 * - `INVALID_HELPER`, `HELPER_NOT_FOUND`, `HELPER_FAILED`, `HELPER_TIMEOUT`: a helper's name, its program, its answer, its silence
 * - `INVALID_REGISTRY`, `INVALID_LOGIN`, `NOT_LOGGED_IN`: what login or logout was asked for cannot be done
 */
export type CredentialErrorCode =
  | 'INVALID_AUTH_FILE'
  | 'AUTH_FILE_ACCESS'
  | 'INVALID_HELPER'
  | 'HELPER_NOT_FOUND'
  | 'HELPER_FAILED'
  | 'HELPER_TIMEOUT'
  | 'INVALID_REGISTRY'
  | 'INVALID_LOGIN'
  | 'NOT_LOGGED_IN';

/** Stored credentials cannot be read or written. `path` is the file or the helper program concerned. Holds no credentials. */
export class CredentialError extends Error {
  static {
    this.prototype.name = 'CredentialError';
  }
  readonly code: CredentialErrorCode;
  readonly path: string | undefined;

  constructor(code: CredentialErrorCode, message: string, path?: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.path = path;
  }
}

/** Whether a Node error has one of these codes, such as `ENOENT`. */
export function hasCode(error: unknown, ...codes: readonly string[]): boolean {
  return codes.includes(codeOf(error) ?? '');
}

/** The code of a Node, TLS or undici error. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

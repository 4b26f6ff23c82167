/**
 * What went wrong between us and skopeo.
 *
 * - `SKOPEO_MISSING`: there is no such program, or it may not be executed; podman, where that is needed, just so
 * - `SKOPEO_FAILED`: it ended with an error, which the message quotes
 * - `UNSUPPORTED_VERSION`: its proxy speaks a protocol that we do not
 * - `NO_CHANNEL`: nothing here can receive the descriptors that the proxy passes
 * - `PROXY_DIED`: the proxy ended while something was asked of it
 * - `STALLED`: no byte and no answer came within the limit
 * - `PROTOCOL`: an answer that is none: no JSON, other descriptors than announced, cut off, too long
 * - `REFUSED`: the proxy answered with an error
 * - `IMAGE_NOT_FOUND`: there is no such image, as far as the proxy can tell that apart
 * - `TRUNCATED`, `SIZE_MISMATCH`: a blob ended early; it is of another size than its descriptor says
 * - `MANIFEST_MISMATCH`: neither the manifest nor the original of a rewritten one has the digest that skopeo names
 * - `LAYER_COUNT`: the source lists another number of layers than the manifest
 * - `TAG_UNSUPPORTED`: a tag was asked for within a reference that can have none
 * - `BLOB_NOT_FOUND`: a blob is not among those that skopeo has copied
 * - `REQUEST_TOO_LARGE`: a reference that is too long to be sent
 * - `CLOSED`: the image had been closed
 */
export type ImageProxyErrorCode =
  | 'SKOPEO_MISSING'
  | 'SKOPEO_FAILED'
  | 'UNSUPPORTED_VERSION'
  | 'NO_CHANNEL'
  | 'PROXY_DIED'
  | 'STALLED'
  | 'PROTOCOL'
  | 'REFUSED'
  | 'IMAGE_NOT_FOUND'
  | 'TRUNCATED'
  | 'SIZE_MISMATCH'
  | 'MANIFEST_MISMATCH'
  | 'LAYER_COUNT'
  | 'TAG_UNSUPPORTED'
  | 'BLOB_NOT_FOUND'
  | 'REQUEST_TOO_LARGE'
  | 'CLOSED';

/** What is known about a failure besides its code. */
export interface ImageProxyErrorPlace extends ErrorOptions {
  /** Whether the same may succeed a little later. */
  readonly retryable?: boolean;
  /** The blob concerned. */
  readonly digest?: string;
}

/** skopeo, its proxy, or what they gave us is not as it should be. */
export class ImageProxyError extends Error {
  static {
    this.prototype.name = 'ImageProxyError';
  }
  readonly code: ImageProxyErrorCode;
  /** Whether the same may succeed a little later. It has been tried as often as the policy says. */
  readonly retryable: boolean;
  /** The blob concerned, if it is about one. */
  readonly digest: string | undefined;

  constructor(code: ImageProxyErrorCode, message: string, place: ImageProxyErrorPlace = {}) {
    super(message, 'cause' in place ? { cause: place.cause } : undefined);
    this.code = code;
    this.retryable = place.retryable ?? false;
    this.digest = place.digest;
  }
}

/** The same error, said to be about a blob. Errors of others are passed through. */
export function aboutBlob(error: unknown, digest: string, place: string): unknown {
  if (!(error instanceof ImageProxyError) || error.digest !== undefined) return error;
  const { code, retryable } = error;
  return new ImageProxyError(code, `reading ${digest} of ${place}: ${error.message}`, { retryable, digest, cause: error });
}

/** Whether a Node error has this code, such as `ENOENT`. */
export function hasCode(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof Error && 'code' in error && codes.includes(error.code as string);
}

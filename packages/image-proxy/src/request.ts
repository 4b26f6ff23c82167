import { ImageProxyError } from './errors.ts';
import type { Argument } from './methods.ts';

/** Longest request that is sent. The proxy reads 32 KiB; of a longer one it would take the beginning for the whole. */
const MAX_REQUEST = 32_000;

/** One request, as an object. */
export interface Request {
  readonly method: string;
  readonly args: readonly Argument[];
}

/**
 * A request in the form it is sent in.
 *
 * @throws {ImageProxyError} REQUEST_TOO_LARGE
 */
export function encodeRequest(request: Request): Uint8Array<ArrayBuffer> {
  const bytes = new TextEncoder().encode(JSON.stringify(request));
  if (bytes.byteLength <= MAX_REQUEST) return bytes;
  throw new ImageProxyError('REQUEST_TOO_LARGE', `wanted a request of at most ${MAX_REQUEST} bytes, found ${bytes.byteLength}`);
}

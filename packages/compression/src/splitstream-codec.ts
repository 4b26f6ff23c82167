import type { FrameEncoder } from './backend.ts';
import { chooseFrameEncoder } from './backends.ts';
import { decode } from './decode.ts';
import type { Backend } from './format.ts';
import { UNLIMITED } from './limits.ts';

/** What the `splitstream` package wants from outside: its two compressed sections. */
export interface SplitstreamCodec {
  /**
   * A frame as composefs-rs writes it: level 3, streaming, no content size, no checksum.
   *
   * @throws {CompressionError} BACKEND_UNAVAILABLE
   */
  createEncoder(): FrameEncoder;
  /** Every frame of a section, strictly, without limits: a reader takes no more than it wants. */
  decode(source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): AsyncIterable<Uint8Array>;
}

/** The codec by the best zstd of this machine: the zstd-napi addon, or else the one in Node. */
export const splitstreamCodec: SplitstreamCodec = createSplitstreamCodec();

/**
 * The codec by a chosen zstd.
 *
 * Object ids of splitstreams depend on the version of the library: they equal those of composefs-rs where {@link zstdVersion} is 1.5.7.
 *
 * @param backend `'zstd-napi'`, `'node'`, or `'auto'` for the first of them that is there
 */
export function createSplitstreamCodec(backend: Backend = 'auto'): SplitstreamCodec {
  return {
    createEncoder: () => chooseFrameEncoder(backend).open(),
    decode: (source) => decode(source, { format: 'zstd', backend, limits: UNLIMITED }),
  };
}

/**
 * Version of the zstd that writes splitstreams with `backend`, for instance `'1.5.7'`.
 *
 * @throws {CompressionError} BACKEND_UNAVAILABLE
 */
export function zstdVersion(backend: Backend = 'auto'): string {
  return chooseFrameEncoder(backend).version();
}

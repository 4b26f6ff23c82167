import { decode, type Allocate } from '@cfskit/compression';
import { createHash, verified, type Expected } from '@cfskit/oci-spec';
import { filterProgram } from './filter-program.ts';
import type { LayerPacking } from './layer-format.ts';

/** What the bytes of a layer are, and must be. Plain data: it crosses threads. */
export interface DecodeJob {
  readonly packing: LayerPacking;
  /** What the stored bytes must be; where it is not known, they are described and not judged. */
  readonly expected?: Expected;
  readonly maxBytes: number;
  readonly maxRatio: number;
}

/** How to decode. */
export interface DecodeBlobOptions {
  /** Memory for the chunks that come out. */
  readonly allocate?: Allocate;
  readonly signal?: AbortSignal;
  /** Told what the stored bytes were, if `expected` did not say. */
  readonly onBlob: (blob: Expected) => void;
}

/**
 * Unpack a layer and hash its stored bytes on the way. The verdict comes at the end.
 *
 * @throws {VerifyError} SIZE_MISMATCH, DIGEST_MISMATCH. {CompressionError} {RenderError} DECODER_MISSING, DECODER_FAILED
 */
export async function* decodeBlob(
  source: AsyncIterable<Uint8Array>,
  job: DecodeJob,
  { allocate, signal, onBlob }: DecodeBlobOptions,
): AsyncGenerator<Uint8Array, void> {
  const { packing, maxBytes, maxRatio, expected } = job;
  const stored = expected === undefined ? describing(source, onBlob) : verified(source, expected);
  const filtered = packing === 'bzip2' || packing === 'xz';
  yield* decode(filtered ? filterProgram(packing, stored, { ...(signal && { signal }) }) : stored, {
    format: filtered ? 'none' : packing,
    limits: { maxOutput: maxBytes, maxRatio, ratioFloor: RATIO_FLOOR },
    ...(signal && { signal }),
    ...(allocate && { allocate }),
  });
}

/** Images of this size cannot do harm, however small they were. */
const RATIO_FLOOR = 2 ** 32;

async function* describing(source: AsyncIterable<Uint8Array>, onBlob: (blob: Expected) => void): AsyncGenerator<Uint8Array, void> {
  const hash = createHash('sha256');
  let size = 0;
  for await (const chunk of source) {
    size += chunk.byteLength;
    hash.update(chunk);
    yield chunk;
  }
  onBlob({ digest: `sha256:${hash.digestHex()}`, size });
}

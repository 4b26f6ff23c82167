import { decode } from '@cfskit/compression';
import type { Allocate, CompressionFormat, DecodeLimits } from '@cfskit/compression';
import { BlobVerifier, createHash, digestAlgorithm } from '@cfskit/oci-spec';
import { toHex } from '@cfskit/binary';
import { Breather } from './breather.ts';
import { OciImportError } from './errors.ts';

/** What the bytes of a layer must turn out to be. Plain data: it crosses threads. */
export interface DecodeJob {
  /** the stored blob; absent when the bytes come from elsewhere, such as standard input */
  readonly blob?: { readonly digest: string; readonly size: number };
  readonly compression: CompressionFormat;
  /** digest of the decompressed bytes; absent for artifacts, whose layers have none */
  readonly diffId?: string;
  readonly limits?: DecodeLimits;
}

/** How a layer is decoded. */
export interface DecodeLayerOptions {
  /** memory for the chunks that come out */
  readonly allocate?: Allocate;
  readonly signal?: AbortSignal;
}

/**
 * Decompresses a layer and checks both of its digests on the way: what comes in must be the blob, what goes out must
 * hash to the diff_id. The verdict comes at the end, so nothing may be named before this generator has finished.
 *
 * @throws {VerifyError} the blob has another size or digest. {CompressionError} the decoder refused it.
 *   {OciImportError} DIFF_ID_MISMATCH
 */
export async function* decodeLayer(
  source: AsyncIterable<Uint8Array>,
  job: DecodeJob,
  { allocate, signal }: DecodeLayerOptions = {},
): AsyncGenerator<Uint8Array<ArrayBuffer>, void> {
  const content = new ContentCheck(job);
  const blob = job.blob === undefined ? source : verifiedBlob(source, job.blob);
  const options = {
    format: job.compression,
    ...(job.limits && { limits: job.limits }),
    ...(signal && { signal }),
    ...(allocate && { allocate }),
  };
  const breather = new Breather();
  for await (const chunk of decode(blob, options)) {
    await breather.breathe();
    signal?.throwIfAborted();
    content.update(chunk);
    yield chunk;
  }
  content.finish();
}

async function* verifiedBlob(
  source: AsyncIterable<Uint8Array>,
  expected: { digest: string; size: number },
): AsyncGenerator<Uint8Array, void> {
  const verifier = new BlobVerifier(expected);
  for await (const chunk of source) {
    verifier.update(chunk);
    yield chunk;
  }
  verifier.finish();
}

/** The hash of the decompressed bytes, where it is not known already: an uncompressed blob was hashed as a blob. */
class ContentCheck {
  readonly #job: DecodeJob;
  readonly #hash: ReturnType<typeof createHash> | undefined;

  constructor(job: DecodeJob) {
    this.#job = job;
    if (job.diffId === undefined || isHashedAsBlob(job)) return;
    this.#hash = createHash(digestAlgorithm(job.diffId));
  }

  update(chunk: Uint8Array): void {
    this.#hash?.update(chunk);
  }

  finish(): void {
    const { diffId, blob } = this.#job;
    if (diffId === undefined) return;
    const actual = this.#hash === undefined ? blob?.digest : `${digestAlgorithm(diffId)}:${toHex(this.#hash.digest())}`;
    if (actual === diffId) return;
    const message = `Layer diff_id mismatch: expected ${diffId}, got ${actual}`;
    throw new OciImportError('DIFF_ID_MISMATCH', message, { expected: diffId, ...(actual !== undefined && { actual }) });
  }
}

function isHashedAsBlob(job: DecodeJob): boolean {
  if (job.blob === undefined || job.diffId === undefined || job.compression !== 'none') return false;
  return digestAlgorithm(job.blob.digest) === digestAlgorithm(job.diffId);
}

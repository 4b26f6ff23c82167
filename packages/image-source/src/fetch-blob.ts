import { VerifyError, type Descriptor } from '@cfskit/oci-spec';
import type { FetchBlobOptions, FetchedBlob, OpenBlobAt } from '@cfskit/ocidir';
import { isMissing } from './errors.ts';
import { seedWarning } from './seed.ts';
import { signalOf, type BlobPlace } from './rooted-source.ts';

/** Where a blob came from: it was there, a seed had it, or the source. */
export type BlobOrigin = 'present' | 'seed' | 'source';

/** Takes a blob's bytes and checks them. */
export type FetchInto = (openAt: OpenBlobAt, options: FetchBlobOptions) => Promise<FetchedBlob>;

/** How a blob is fetched. */
export interface FetchFromOptions extends FetchBlobOptions {
  readonly onWarning?: ((text: string) => void) | undefined;
}

/** What a fetch came to. */
export interface BlobFetch extends FetchedBlob {
  readonly origin: BlobOrigin;
}

/**
 * Fetch a blob from the first place that has it and has it right. What is wrong with a seed is a warning; what is wrong with the source is
 * an error.
 */
export async function fetchFromPlaces(
  places: readonly BlobPlace[],
  descriptor: Descriptor,
  fetchInto: FetchInto,
  { onWarning, ...options }: FetchFromOptions,
): Promise<BlobFetch> {
  for (const [i, place] of places.entries()) {
    let failure: unknown;
    const openAt: OpenBlobAt = (start) => ({
      start,
      chunks: noting(readFrom(place, descriptor, start, options.signal), (error) => (failure = error)),
    });
    try {
      const fetched = await fetchInto(openAt, options);
      return { ...fetched, origin: place.origin };
    } catch (error) {
      options.signal?.throwIfAborted();
      const isOfPlace = error === failure || error instanceof VerifyError; // otherwise of what is written to
      if (i === places.length - 1 || !isOfPlace) throw error;
      if (!isMissing(error)) onWarning?.(seedWarning(place.source, error));
    }
  }
  throw new RangeError('wanted at least one place');
}

/**
 * A place without `openFrom` is near: what is there already is read and left out, and shows in the digest at the end. So nothing is cut off
 * for a place that then does not have the blob.
 */
async function* readFrom(
  { source }: BlobPlace,
  descriptor: Descriptor,
  start: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array, void> {
  if (source.openFrom !== undefined) {
    yield* source.openFrom(descriptor, start, signalOf(signal));
    return;
  }
  let left = start;
  for await (const chunk of source.open(descriptor, signalOf(signal))) {
    if (left < chunk.byteLength) yield chunk.subarray(left);
    left = Math.max(left - chunk.byteLength, 0);
  }
}

/** The same chunks, and the error that they end with. */
async function* noting(chunks: AsyncIterable<Uint8Array>, onError: (error: unknown) => void): AsyncGenerator<Uint8Array, void> {
  try {
    yield* chunks;
  } catch (error) {
    onError(error);
    throw error;
  }
}

import { OciSpecError, VerifyError, type Descriptor } from '@cfskit/oci-spec';
import { OciDirError, type FetchBlobOptions, type FetchedBlob, type OpenBlobAt } from '@cfskit/ocidir';
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
    try {
      const fetched = await fetchInto(openAt(place, descriptor, options.signal), options);
      return { ...fetched, origin: place.origin };
    } catch (error) {
      options.signal?.throwIfAborted();
      if (i === places.length - 1 || !isAboutSeed(error)) throw error;
      if (!isMissing(error)) onWarning?.(seedWarning(place.source, error));
    }
  }
  throw new RangeError('wanted at least one place');
}

/** A place without `openFrom` is near: beginning again there costs little. */
function openAt({ source }: BlobPlace, descriptor: Descriptor, signal: AbortSignal | undefined): OpenBlobAt {
  return (start) => {
    if (source.openFrom === undefined) return { start: 0, chunks: source.open(descriptor, signalOf(signal)) };
    return { start, chunks: source.openFrom(descriptor, start, signalOf(signal)) };
  };
}

function isAboutSeed(error: unknown): boolean {
  return error instanceof VerifyError || error instanceof OciDirError || error instanceof OciSpecError;
}

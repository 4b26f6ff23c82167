import { digestAlgorithm, digestOf, VerifyError, type Descriptor } from '@cfskit/oci-spec';
import { BlobReader, type BlobPart, type BlobPlace } from './blob-reader.ts';
import { foreignEndpoint, type Endpoint } from './endpoint.ts';
import { RegistryError } from './errors.ts';
import { publicOrigin } from './foreign-text.ts';
import { foreignTarget } from './redirect.ts';
import type { Session } from './session.ts';

/** Which bytes of a blob are wanted, and of whom. */
export interface BlobRequest extends BlobPart {
  /** Asked in this order. Without any, only the descriptor's `urls` are left. */
  readonly endpoints: readonly Endpoint[];
  /** From 0 if not said. */
  readonly start?: number;
  /** Fetch from the descriptor's `urls` what no registry has. */
  readonly foreign?: boolean;
}

/**
 * The bytes of a blob as the registry has them, **not hashed**, but exactly as many as the descriptor says. A connection that breaks is
 * taken up again at the byte where it broke, at the next endpoint if this one fails for good.
 *
 * @throws {RegistryError} {VerifyError} SIZE_MISMATCH
 */
export async function* blobStream(session: Session, request: BlobRequest): AsyncGenerator<Uint8Array, void> {
  const { descriptor, signal, start = 0, end = descriptor.size } = request;
  digestAlgorithm(descriptor.digest); // before it becomes part of a URL
  signal?.throwIfAborted();
  if (start >= end && descriptor.size > 0) return;
  if (descriptor.data !== undefined) {
    const bytes = embedded(descriptor, descriptor.data).subarray(start, end);
    if (bytes.byteLength > 0) yield bytes;
    return;
  }
  const places = placesOf(request);
  if (places.length === 0) throw noAddress(descriptor);
  let at = start;
  for (const [i, find] of places.entries()) {
    try {
      const reader = new BlobReader(session, await find(session), request);
      for await (const chunk of reader.from(at)) {
        at += chunk.byteLength;
        yield chunk;
      }
      return;
    } catch (error) {
      signal?.throwIfAborted();
      const isOfPlace = error instanceof RegistryError || error instanceof VerifyError;
      if (!isOfPlace) throw error;
      if (i === places.length - 1) throw foreignLayer(error, request) ?? error;
      session.retry.onWarning(`${error.message}; trying the next place`);
    }
  }
}

type FindPlace = (session: Session) => Promise<BlobPlace>;

/** Where the blob may be, each to be looked at when it is its turn: what is wrong with a URL does not matter if the registry has the blob. */
function placesOf({ endpoints, descriptor, foreign, signal }: BlobRequest): readonly FindPlace[] {
  const places = endpoints.map(
    (endpoint): FindPlace =>
      () =>
        Promise.resolve({ endpoint }),
  );
  if (foreign !== true || descriptor.urls === undefined) return places;
  const origin = endpoints.at(-1);
  const elsewhere = descriptor.urls.slice(0, MAX_URLS).map((link): FindPlace => async (session) => {
    const from = origin === undefined ? ANYWHERE : await session.baseUrl(origin, signal);
    const url = foreignTarget(link, from);
    return { endpoint: foreignEndpoint(url), url };
  });
  return [...places, ...elsewhere];
}

/** Addresses out of a file may be those of the world: encrypted, and not of this machine. */
const ANYWHERE = new URL('https://descriptor.invalid/');

const MAX_URLS = 10;

/** A layer that registries do not have, because it may not be passed on. */
function foreignLayer(error: Error, { descriptor, foreign }: BlobRequest): RegistryError | undefined {
  const isMissing = error instanceof RegistryError && error.code === 'BLOB_UNKNOWN';
  if (foreign === true || !isMissing || descriptor.urls === undefined || descriptor.urls.length === 0) return undefined;
  const { digest } = descriptor;
  const message = `the foreign layer ${digest} is not in the registry; to fetch it from ${publicOrigin(descriptor.urls[0]!)} has to be allowed`;
  const { registry, repository } = error;
  return new RegistryError('FOREIGN_LAYER', message, {
    digest,
    ...(registry !== undefined && { registry }),
    ...(repository !== undefined && { repository }),
  });
}

function noAddress({ digest }: Descriptor): RegistryError {
  return new RegistryError('FOREIGN_LAYER', `the descriptor of ${digest} does not say where it is kept`, { digest });
}

/** The content that a descriptor carries itself. */
function embedded(descriptor: Descriptor, data: string): Uint8Array {
  const bytes = new Uint8Array(Buffer.from(data, 'base64'));
  const { digest, size } = descriptor;
  const actual = digestOf(bytes, digestAlgorithm(digest));
  if (bytes.byteLength === size && actual === digest) return bytes;
  const message = `the data inside the descriptor is not what it names: wanted ${size} bytes of ${digest}, found ${bytes.byteLength} of ${actual}`;
  throw new VerifyError('DIGEST_MISMATCH', digest, digest, actual, message);
}

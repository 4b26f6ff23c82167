import { CONTENT_TYPE } from '@cfskit/splitstream';
import type { ObjectId } from '@cfskit/fs-verity';
import { formatContentId } from '@cfskit/oci-ref';
import { digestAlgorithm, digestOf, verified, VerifyError } from '@cfskit/oci-spec';
import type { Repository } from '@cfskit/repository';
import { OciImportError } from './errors.ts';
import type { StoredImage } from './stored-image.ts';

/** A blob that was stored on its own. */
export interface StoredBlob {
  readonly digest: string;
  /** object id of its stream */
  readonly id: ObjectId;
}

/**
 * The bytes of a layer that is no tar, as they were in the blob, checked against its digest on the way.
 *
 * @throws {OciImportError} NOT_FOUND for an index out of range; NOT_A_BLOB for a tar; MISSING_LAYER_REF; INTEGRITY at
 *   the end. {RepositoryError}
 */
export async function* openLayer(repository: Repository, image: StoredImage, index: number): AsyncGenerator<Uint8Array, void> {
  const layer = image.layers[index];
  const place = { manifest: image.manifestDigest };
  if (layer === undefined) throw new OciImportError('NOT_FOUND', `Layer index ${index} out of range`, place);
  const { mediaType } = layer.descriptor;
  if (layer.verity === undefined)
    throw new OciImportError('MISSING_LAYER_REF', `No verity for layer ${layer.id}`, { ...place, blob: layer.id });
  const stream = await repository.openStream({ id: layer.verity });
  if (stream.contentType !== CONTENT_TYPE.blob) {
    const message = `layer ${index} is a tar (media type: ${mediaType}) and was split: it has no blob of its own, read it with layerTar`;
    throw new OciImportError('NOT_A_BLOB', message, { ...place, blob: layer.id });
  }
  yield* blobContent(repository, stream.objectRefs, layer.id);
}

/**
 * Stores a single blob under its digest. Nothing keeps it from being collected.
 *
 * @param digest what the bytes must hash to; computed with SHA-256 if not given
 * @throws {OciImportError} INTEGRITY. {RepositoryError} READ_ONLY
 */
export async function writeBlob(repository: Repository, bytes: Uint8Array, digest: string = digestOf(bytes)): Promise<StoredBlob> {
  const actual = digestOf(bytes, digestAlgorithm(digest));
  if (actual !== digest) throw integrityFailed(digest, actual);
  const contentId = formatContentId('blob', digest);
  const id = await repository.ensureStream(contentId, async () => {
    const { id: objectId } = await repository.objects.put(bytes);
    const writer = repository.createStreamWriter(CONTENT_TYPE.blob);
    writer.external(objectId, bytes.byteLength);
    return writer;
  });
  return { digest, id };
}

/**
 * The bytes of a blob stored by {@link writeBlob}, checked against its digest on the way.
 *
 * @throws {OciImportError} NOT_FOUND; INTEGRITY at the end. {RepositoryError}
 */
export async function* openBlob(repository: Repository, digest: string): AsyncGenerator<Uint8Array, void> {
  const id = repository.hasStream(formatContentId('blob', digest));
  if (id === undefined) throw new OciImportError('NOT_FOUND', `Blob ${digest} not found`, { blob: digest });
  const stream = await repository.openStream({ id }, { contentType: CONTENT_TYPE.blob });
  yield* blobContent(repository, stream.objectRefs, digest);
}

async function* blobContent(repository: Repository, objectRefs: readonly ObjectId[], digest: string): AsyncGenerator<Uint8Array, void> {
  const [objectId, ...others] = objectRefs;
  if (objectId === undefined || others.length > 0) {
    const message = `Expected exactly 1 external object in splitstream, got ${objectRefs.length}: blob ${digest}`;
    throw new OciImportError('CORRUPT_STREAM', message, { blob: digest });
  }
  try {
    yield* verified(repository.objects.open(objectId), { digest });
  } catch (cause) {
    throw cause instanceof VerifyError ? integrityFailed(digest, String(cause.actual)) : cause;
  }
}

function integrityFailed(digest: string, actual: string): OciImportError {
  return new OciImportError('INTEGRITY', `Blob integrity failed: expected ${digest}, got ${actual}`, {
    blob: digest,
    expected: digest,
    actual,
  });
}

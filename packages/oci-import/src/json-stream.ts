import { objectPath } from '@cfskit/fs-verity';
import type { ObjectId } from '@cfskit/fs-verity';
import { digestAlgorithm, digestOf, MAX_JSON_SIZE } from '@cfskit/oci-spec';
import type { Repository } from '@cfskit/repository';
import { OciImportError } from './errors.ts';

/** A stored config or manifest: its bytes as they came, and what its stream refers to. */
export interface JsonStream {
  /** the stream's own object, the `verity` of an image's config or manifest */
  readonly id: ObjectId;
  /** object with the JSON */
  readonly objectId: ObjectId;
  readonly raw: Uint8Array;
  /** sorted by name */
  readonly namedRefs: ReadonlyMap<string, ObjectId>;
}

/** How a stored JSON document is found and what it has to be. */
export interface JsonStreamName {
  readonly contentId: string;
  readonly contentType: bigint;
  /** the digest the JSON must hash to */
  readonly digest: string;
  /** `Manifest` or `Config`, for messages */
  readonly what: string;
}

/**
 * Reads a config or manifest by the id of its stream, and checks that the JSON is what its digest says.
 *
 * @throws {OciImportError} CORRUPT_STREAM: not one external object. INTEGRITY: the JSON does not hash to its digest.
 *   {RepositoryError} NOT_FOUND, INVALID_STREAM, TOO_LARGE and others of reading
 */
export async function readJsonStream(repository: Repository, name: JsonStreamName, id: ObjectId): Promise<JsonStream> {
  const stream = await readJsonStreamUnchecked(repository, name, id);
  const actual = digestOf(stream.raw, digestAlgorithm(name.digest));
  if (actual === name.digest) return stream;
  const remedy = `remove streams/${name.contentId} and pull the image again`;
  const message = `${name.what} integrity failed: expected ${name.digest}, got ${actual}, in objects/${objectPath(stream.objectId)}; ${remedy}`;
  throw new OciImportError('INTEGRITY', message, { blob: name.digest, expected: name.digest, actual });
}

/** {@link readJsonStream} without the last check, for fsck, which reports a wrong digest as a finding of its own. */
export async function readJsonStreamUnchecked(repository: Repository, name: JsonStreamName, id: ObjectId): Promise<JsonStream> {
  const stream = await repository.openStream({ id }, { contentType: name.contentType });
  const [objectId, ...others] = stream.objectRefs;
  if (objectId === undefined || others.length > 0) {
    const message = `Expected exactly 1 external object in splitstream, got ${stream.objectRefs.length}`;
    const place = `streams/${name.contentId} (objects/${objectPath(id)})`;
    throw new OciImportError('CORRUPT_STREAM', `${message}: ${place}; remove that name and pull the image again`, { blob: name.digest });
  }
  const raw = repository.objects.readSync(objectId, { limit: MAX_JSON_SIZE });
  return { id, objectId, raw, namedRefs: stream.namedRefs };
}

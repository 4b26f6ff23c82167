import { CONTENT_TYPE } from '@cfskit/splitstream';
import type { ObjectId } from '@cfskit/fs-verity';
import { formatContentId } from '@cfskit/oci-ref';
import type { Repository } from '@cfskit/repository';
import { OciImportError } from './errors.ts';
import type { NamedRef } from './image-refs.ts';
import { readJsonStream } from './json-stream.ts';
import type { JsonStream, JsonStreamName } from './json-stream.ts';
import { storeJsonStream } from './store-json-stream.ts';

/** How the config with this digest is kept. */
export function configStreamName(digest: string): JsonStreamName {
  return { contentId: formatContentId('config', digest), contentType: CONTENT_TYPE.config, digest, what: 'Config' };
}

/** How the manifest with this digest is kept. */
export function manifestStreamName(digest: string): JsonStreamName {
  return { contentId: formatContentId('manifest', digest), contentType: CONTENT_TYPE.manifest, digest, what: 'Manifest' };
}

/** The stored document of that name, if it is there. */
export async function findJsonStream(repository: Repository, name: JsonStreamName): Promise<JsonStream | undefined> {
  const id = repository.hasStream(name.contentId);
  return id === undefined ? undefined : readJsonStream(repository, name, id);
}

/** Stores a config or manifest and names it: its references in the order given, its JSON as one object. */
export async function writeJsonStream(
  repository: Repository,
  name: JsonStreamName,
  raw: Uint8Array,
  refs: readonly NamedRef[],
): Promise<ObjectId> {
  const id = await storeJsonStream(repository, name.contentType, repository.objects.putSync(raw), refs);
  await repository.registerStream(name.contentId, id);
  return id;
}

/** Whether the stream refers to all of these already. */
export function hasRefs(stream: JsonStream, refs: readonly NamedRef[]): boolean {
  return refs.every(([name, id]) => stream.namedRefs.get(name) === id);
}

/**
 * The stream of a layer by the references of its config or manifest.
 *
 * @throws {OciImportError} MISSING_LAYER_REF, which lists the names there are
 */
export function layerRef(refs: ReadonlyMap<string, ObjectId>, layerId: string): ObjectId {
  const id = refs.get(layerId);
  if (id !== undefined) return id;
  const names = [...refs.keys()];
  const message = `missing layer verity for diff_id ${layerId}. Available keys in refs: [${names.map((name) => JSON.stringify(name)).join(', ')}]`;
  throw new OciImportError('MISSING_LAYER_REF', message, { blob: layerId, candidates: names });
}

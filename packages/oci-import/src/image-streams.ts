import { CONTENT_TYPE } from '@cfskit/splitstream';
import type { ObjectId } from '@cfskit/fs-verity';
import { configRefName, formatContentId, parseContentId } from '@cfskit/oci-ref';
import type { Repository } from '@cfskit/repository';
import { OciImportError } from './errors.ts';
import { readJsonStream } from './json-stream.ts';
import type { JsonStream, JsonStreamName } from './json-stream.ts';
import { streamNames } from './stream-names.ts';

/** A name and the stream it refers to, as it enters a stream's table. */
export type NamedRef = readonly [name: string, id: ObjectId];

/** References of a config stream with this prefix lead to images, all others to layers. */
const IMAGE_REF = 'composefs.image';
/** These two come before the others, whatever their order in the table was. Spec: oci-import 13.3. */
const PLAIN_IMAGE_REFS = [IMAGE_REF, `${IMAGE_REF}.v1`];

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

/** Writes a config or manifest: its references in the order given, its JSON as one object. */
export async function writeJsonStream(
  repository: Repository,
  name: JsonStreamName,
  raw: Uint8Array,
  refs: readonly NamedRef[],
): Promise<ObjectId> {
  const object = repository.objects.putSync(raw);
  const writer = repository.createStreamWriter(name.contentType);
  for (const [ref, id] of refs) writer.namedRef(ref, id);
  writer.external(object.id, object.size);
  const stream = await repository.writeStream(writer, name.contentId);
  return stream.id;
}

/** The references of a config stream that lead to EROFS images: plain ones, then those for booting, sorted. */
export function imageRefs(refs: ReadonlyMap<string, ObjectId>): readonly NamedRef[] {
  const names = [...refs.keys()].filter((name) => name.startsWith(IMAGE_REF));
  const others = names.filter((name) => !PLAIN_IMAGE_REFS.includes(name)).toSorted();
  return [...PLAIN_IMAGE_REFS.filter((name) => refs.has(name)), ...others].map((name) => [name, refs.get(name)!]);
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

/**
 * Follows a config whose stream was written again: every manifest that names the old one is written again, too, since
 * collectors of other programs follow names, not objects.
 */
export async function relinkManifests(repository: Repository, configDigest: string, oldId: ObjectId, newId: ObjectId): Promise<void> {
  const ref = configRefName(configDigest);
  for (const contentId of streamNames(repository, 'manifest')) {
    const name = manifestStreamName(parseContentId(contentId)!.digest);
    const manifest = await findJsonStream(repository, name);
    if (manifest?.namedRefs.get(ref) !== oldId) continue;
    const others = [...manifest.namedRefs].filter(([key]) => key !== ref);
    await writeJsonStream(repository, name, manifest.raw, [[ref, newId], ...others]);
  }
}

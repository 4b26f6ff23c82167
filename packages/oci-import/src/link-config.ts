import type { ObjectId } from '@cfskit/fs-verity';
import { configRefName } from '@cfskit/oci-ref';
import type { Repository } from '@cfskit/repository';
import { CONTENT_TYPE } from '@cfskit/splitstream';
import type { NamedRef } from './image-refs.ts';
import { configStreamName, manifestStreamName } from './image-streams.ts';
import { manifestsByConfig, openManifestStream } from './manifests-of-config.ts';
import { storeJsonStream } from './store-json-stream.ts';

/** A config as it shall be stored. */
export interface ConfigToLink {
  readonly digest: string;
  /** its JSON as it came; never serialised again, or it would no longer hash to its digest */
  readonly raw: Uint8Array;
  /** references to its layers, in the order of the config */
  readonly layers: readonly NamedRef[];
  /** references to EROFS images, in their order */
  readonly images: readonly NamedRef[];
}

/**
 * Gives a stored config other references, and brings every manifest that names it up to date.
 *
 * Collectors of other programs follow names: what a stream refers to is kept only if some name in `streams/` leads to that very object. So the
 * new config gets a name of its own first, then the manifests move, then the config's name, and only then the extra name goes. Killed at any
 * point, whatever a tag leads to is complete for every collector. Spec: splitstream 5.3.
 *
 * @param manifests digests of the manifests that may name it; all stored ones unless told
 * @returns the config's stream
 * @throws {RepositoryError} READ_ONLY and those of storing
 */
export async function linkConfig(repository: Repository, config: ConfigToLink, manifests?: readonly string[]): Promise<ObjectId> {
  const { contentId } = configStreamName(config.digest);
  const json = repository.objects.putSync(config.raw);
  const id = await storeJsonStream(repository, CONTENT_TYPE.config, json, [...config.layers, ...config.images]);
  const current = repository.hasStream(contentId);
  const parents = manifests ?? (await manifestsByConfig(repository)).get(config.digest) ?? [];
  const moving = await storeParents(repository, config, id, parents);
  const direct = current === undefined || current === id || moving.size === 0;
  const release = direct ? undefined : await repository.holdStream(id);
  if (direct) await repository.registerStream(contentId, id);
  for (const [name, parent] of moving) await repository.registerStream(name, parent);
  if (!direct) await repository.registerStream(contentId, id);
  release?.();
  return id;
}

/** New streams for manifests, by content id, where they differ; manifests have the layers of their config, in the same order. */
async function storeParents(
  repository: Repository,
  { digest, layers }: ConfigToLink,
  configId: ObjectId,
  manifests: readonly string[],
): Promise<ReadonlyMap<string, ObjectId>> {
  const refs: readonly NamedRef[] = [[configRefName(digest), configId], ...layers];
  const moving = new Map<string, ObjectId>();
  for (const manifest of manifests) {
    const stream = await openManifestStream(repository, manifest);
    const [json] = stream?.objectRefs ?? [];
    if (stream === undefined || json === undefined) continue;
    const { contentId } = manifestStreamName(manifest);
    const id = await storeJsonStream(repository, CONTENT_TYPE.manifest, { id: json, size: stream.streamSize }, refs);
    if (id !== repository.hasStream(contentId)) moving.set(contentId, id);
  }
  return moving;
}

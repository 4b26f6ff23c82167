import type { ObjectId } from '@cfskit/fs-verity';
import type { Repository, StreamEntry } from '@cfskit/repository';

/**
 * What refers to each of these objects: `streams/…` that are it or hold a reference to it, and `images/…` that are it.
 * Streams that cannot be read are told to `onUnreadable` and left out.
 */
export async function findUsers(
  repository: Repository,
  ids: readonly ObjectId[],
  onUnreadable: (name: string, error: unknown) => void,
): Promise<ReadonlyMap<ObjectId, readonly string[]>> {
  const users = new Map(ids.map((id) => [id, [] as string[]]));
  for (const { id } of repository.images()) users.get(id)?.push(`images/${id}`);
  for (const stream of repository.streams()) {
    for (const id of await referencesOf(repository, stream, onUnreadable)) users.get(id)?.push(`streams/${stream.contentId}`);
  }
  return users;
}

async function referencesOf(
  repository: Repository,
  { contentId, id }: StreamEntry,
  onUnreadable: (name: string, error: unknown) => void,
): Promise<ReadonlySet<ObjectId>> {
  try {
    const { objectRefs, streamRefs, namedRefs } = await repository.openStream({ id });
    return new Set([id, ...objectRefs, ...streamRefs, ...namedRefs.values()]);
  } catch (error) {
    onUnreadable(contentId, error);
    return new Set();
  }
}

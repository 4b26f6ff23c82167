import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { compareUtf8 } from '@cfskit/binary';
import type { ObjectId } from '@cfskit/fs-verity';
import type { Repository } from '@cfskit/repository';

/** Content ids of all streams, in byte order. */
export async function streamNames(repository: Repository): Promise<string[]> {
  const entries = await readdir(join(repository.path, 'streams'), { withFileTypes: true }).catch(nothingThere);
  const names = entries.filter((entry) => entry.isSymbolicLink()).map(({ name }) => name);
  return names.toSorted(compareUtf8);
}

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
  for (const name of await streamNames(repository)) {
    for (const id of await referencesOf(repository, name, onUnreadable)) users.get(id)?.push(`streams/${name}`);
  }
  return users;
}

async function referencesOf(
  repository: Repository,
  name: string,
  onUnreadable: (name: string, error: unknown) => void,
): Promise<ReadonlySet<ObjectId>> {
  try {
    const own = repository.hasStream(name);
    const stream = await repository.openStream(name);
    return new Set([...(own === undefined ? [] : [own]), ...stream.objectRefs, ...stream.streamRefs, ...stream.namedRefs.values()]);
  } catch (error) {
    onUnreadable(name, error);
    return new Set();
  }
}

function nothingThere(error: unknown): never[] {
  if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
  throw error;
}

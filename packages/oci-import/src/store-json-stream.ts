import type { ObjectId } from '@cfskit/fs-verity';
import { storeStream } from '@cfskit/repository';
import type { Repository, StoredObject } from '@cfskit/repository';
import type { NamedRef } from './image-refs.ts';

/**
 * Stores the stream of a config or manifest as an object: its references in the order given, its JSON as an object of its own. It has no name yet.
 *
 * @param json the stored JSON
 * @throws {RepositoryError} READ_ONLY and those of storing
 */
export async function storeJsonStream(
  repository: Repository,
  contentType: bigint,
  json: Pick<StoredObject, 'id' | 'size'>,
  refs: readonly NamedRef[],
): Promise<ObjectId> {
  const writer = repository.createStreamWriter(contentType);
  for (const [ref, id] of refs) writer.namedRef(ref, id);
  writer.external(json.id, json.size);
  return (await storeStream(repository.objects, writer)).id;
}

import type { Descriptor } from '@cfskit/oci-spec';
import type { Archive } from './archive-file.ts';
import { blobNotFound, sizeMismatch } from './blob.ts';
import type { TarRegion } from './tar-index.ts';

/**
 * The bytes of a blob as they are in the archive: not hashed, but exactly as many as the descriptor says.
 *
 * @param path the name in the archive, for messages
 * @param region undefined if there is no such name
 * @throws {OciDirError} BLOB_NOT_FOUND, FOREIGN_LAYER; SIZE_MISMATCH also when the archive changes meanwhile
 */
export async function* archiveBlob(
  archive: Archive,
  path: string,
  region: TarRegion | undefined,
  descriptor: Descriptor,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array, void> {
  signal?.throwIfAborted();
  if (region === undefined) throw blobNotFound(path, descriptor);
  if (region.size !== descriptor.size) throw sizeMismatch(path, descriptor, `${region.size}`);
  let left = region.size;
  for await (const chunk of archive.chunks(region, signal)) {
    left -= chunk.byteLength;
    yield chunk;
  }
  if (left > 0) throw sizeMismatch(path, descriptor, `${region.size - left}`);
}

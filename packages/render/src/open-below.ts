import { constants } from 'node:fs';
import { fromLatin1 } from '@cfskit/binary';
import type { ByteString } from '@cfskit/fs-tree';
import { closeDescriptor, openBeneath } from '@cfskit/linux';

/** The kernel takes no paths of more bytes. */
const PATH_MAX = 4095;

/** Open what is below an open directory, following no symbolic link. Longer paths than the kernel takes are gone in several steps. */
export function openBelow(root: number, path: ByteString, flags: number): number {
  if (path.length <= PATH_MAX) return openBeneath(root, fromLatin1(path), flags);
  const slash = path.lastIndexOf('/', PATH_MAX);
  const start = openBeneath(root, fromLatin1(path.slice(0, slash)), constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    return openBelow(start, path.slice(slash + 1), flags);
  } finally {
    closeDescriptor(start);
  }
}

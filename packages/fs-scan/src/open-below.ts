import { fromLatin1 } from '@cfskit/binary';
import type { ByteString } from '@cfskit/fs-tree';
import { closeDescriptor, O_PATH, openBeneath } from '@cfskit/linux';
import { constants } from 'node:fs';

/**
 * Open a path below the scanned directory, through no symbolic link at any place. Paths that are longer than the kernel takes go in pieces.
 *
 * @param path relative; empty for the directory itself
 * @returns a descriptor; close it with `closeDescriptor` of `@cfskit/linux`
 * @throws {LinuxError} the errno
 */
export function openBelow(root: number, path: ByteString, flags: number): number {
  let from = root;
  try {
    let rest = path;
    while (rest.length > LONGEST_PATH) {
      const cut = rest.lastIndexOf('/', LONGEST_PATH);
      const next = openBeneath(from, fromLatin1(rest.slice(0, cut)), O_PATH | constants.O_DIRECTORY);
      if (from !== root) closeDescriptor(from);
      from = next;
      rest = rest.slice(cut + 1);
    }
    return openBeneath(from, fromLatin1(rest), flags);
  } finally {
    if (from !== root) closeDescriptor(from);
  }
}

/** PATH_MAX is 4096, the NUL at the end included. A name has at most 255 bytes, so there is a slash to cut at. */
const LONGEST_PATH = 4000;

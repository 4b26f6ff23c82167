import { TARGET_MAX, XATTR_SPACE_MAX, xattrSpace } from '@cfskit/fs-tree';
import { ErofsError } from './errors.ts';
import type { FormatVersion } from './format.ts';
import type { PlannedInode } from './planned-inode.ts';

const MAX_SECONDS = 2n ** 63n;

/** Longest inline content of a file. Format 2 has no blocks for it, and other readers stop there. */
export function maxInlineSize(version: FormatVersion): number {
  return version === 2 ? 512 : 5000;
}

/** Longest target of a symbolic link. */
export function maxTargetLength(version: FormatVersion): number {
  return version === 2 ? 1024 : TARGET_MAX;
}

const XATTR_NAME_MAX = 255;

/** @throws {ErofsError} UNWRITABLE for metadata that does not fit the fields of an inode */
export function checkStat(inode: PlannedInode): void {
  const { uid, gid, mtime, xattrs } = inode.stat;
  if (uid >>> 0 !== uid || gid >>> 0 !== gid) throw unwritable(inode, `owner ${uid}:${gid} does not fit 32 bits`);
  const { seconds, nanoseconds } = mtime;
  if (seconds >= MAX_SECONDS || seconds < -MAX_SECONDS || !(nanoseconds >= 0 && nanoseconds < 1e9)) {
    throw unwritable(inode, `mtime ${seconds}.${nanoseconds} is out of range`);
  }
  if (xattrs.size > 0) checkXattrs(inode);
}

function checkXattrs(inode: PlannedInode): void {
  const { xattrs } = inode.stat;
  for (const name of xattrs.keys()) {
    if (name === '' || name.length > XATTR_NAME_MAX || name.includes('\0')) {
      throw unwritable(inode, `name of an extended attribute of ${name.length} bytes, wanted 1 to ${XATTR_NAME_MAX} without NUL`);
    }
  }
  const space = xattrSpace(xattrs);
  if (space > XATTR_SPACE_MAX) throw unwritable(inode, `${space} bytes of extended attributes, at most ${XATTR_SPACE_MAX} are possible`);
}

/** The error for a node that no image of the format can hold. */
export function unwritable(inode: PlannedInode, message: string): ErofsError {
  return new ErofsError('UNWRITABLE', message, { path: inode.path });
}

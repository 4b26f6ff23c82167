import type { PlanOptions } from './plan.ts';
import type { PlannedInode } from './planned-inode.ts';
import { unwritable } from './writable.ts';
import { XATTR_UNIT, xattrHeader, xattrIcount } from './xattr-layout.ts';
import type { XattrPair, XattrPairs } from './xattr-pair.ts';

/** How many references to shared attributes an inode can have: mkcomposefs stops at 128, the field at 255. */
const MAX_REFERENCES = 255;
const MAX_REFERENCES_C = 128;
const MAX_ICOUNT = 0xffff;

/** The table of shared attributes: what two or more inodes have, name and value, is stored once. */
export interface SharedTable {
  readonly pairs: readonly XattrPair[];
  readonly size: number;
}

/**
 * Find what is shared, and size every inode's attributes. In each inode references come before the others.
 *
 * @throws {ErofsError} UNWRITABLE
 */
export function shareXattrs(inodes: readonly PlannedInode[], pairs: XattrPairs, options: PlanOptions): SharedTable {
  for (const inode of inodes) for (const pair of inode.xattrs) pair.inodes++;
  const shared: XattrPair[] = [];
  for (const name of pairs.names()) for (const pair of name.pairs.values()) if (pair.inodes > 1) shared.push(pair);
  shared.sort(options.version === 2 ? ascending : descending);
  let size = 0;
  for (const pair of shared) {
    pair.tableOffset = size;
    size += pair.entrySize;
  }
  for (const inode of inodes) if (inode.xattrs.length > 0) sizeXattrs(inode, options);
  return { pairs: shared, size };
}

function sizeXattrs(inode: PlannedInode, options: PlanOptions): void {
  const limit = options.profile === 'c' ? MAX_REFERENCES_C : MAX_REFERENCES;
  const shared: XattrPair[] = [];
  const local: XattrPair[] = [];
  for (const pair of inode.xattrs) {
    if (pair.inodes > 1 && (shared.length < limit || options.profile === 'rs')) shared.push(pair);
    else local.push(pair);
  }
  if (shared.length > limit) throw unwritable(inode, `${shared.length} attributes shared with other inodes, at most ${limit} are possible`);
  if (shared.length > 0 && local.length > 0) inode.xattrs = [...shared, ...local];
  inode.sharedCount = shared.length;
  inode.xattrSize = xattrHeader.size + XATTR_UNIT * shared.length;
  for (const pair of local) inode.xattrSize += pair.entrySize;
  if (xattrIcount(inode.xattrSize) > MAX_ICOUNT) throw unwritable(inode, `${inode.xattrSize} bytes of extended attributes in the image`);
}

/** Formats 0 and 1: by whole name, length of the value, value, each of them downwards. */
function descending(a: XattrPair, b: XattrPair): number {
  if (a.name !== b.name) return a.name.name > b.name.name ? -1 : 1;
  if (a.valueSize !== b.valueSize) return b.valueSize - a.valueSize;
  return a.value > b.value ? -1 : 1;
}

/** Format 2: by number of the prefix, rest of the name, value, upwards. */
function ascending(a: XattrPair, b: XattrPair): number {
  if (a.name.index !== b.name.index) return a.name.index - b.name.index;
  if (a.name !== b.name) return a.name.suffix < b.name.suffix ? -1 : 1;
  return a.value < b.value ? -1 : 1;
}

import type { Profile } from './format.ts';
import type { PlanOptions } from './plan.ts';
import type { PlannedInode } from './planned-inode.ts';
import { unwritable } from './writable.ts';
import { XATTR_UNIT, xattrHeader, xattrIcount } from './xattr-layout.ts';
import { pairSize, redirectOf, valueSize, type XattrPair, type XattrPairs } from './xattr-pair.ts';
import { XattrSequence } from './xattr-set.ts';

/** How many references to shared attributes an inode can have: mkcomposefs stops at 128, composefs-rs at nothing, the field at 255. */
const MAX_REFERENCES = 255;
const MAX_ICOUNT = 0xffff;

/** References that an inode gets; what it shares beyond them is repeated. */
export function maxReferences(profile: Profile): number {
  return profile === 'c' ? 128 : Infinity;
}

/** The table of shared attributes: what two or more inodes have, name and value, is stored once. */
export interface SharedTable {
  readonly pairs: readonly XattrPair[];
  readonly size: number;
}

/**
 * Find what is shared, and size every inode's attributes.
 *
 * @throws {ErofsError} UNWRITABLE
 */
export function shareXattrs(inodes: readonly PlannedInode[], pairs: XattrPairs, options: PlanOptions): SharedTable {
  for (const inode of inodes) count(inode);
  const shared = pairs.shared().toSorted(options.version === 2 ? ascending : descending);
  let size = 0;
  for (const pair of shared) {
    pair.tableOffset = size;
    size += pairSize(pair);
  }
  const sequence = new XattrSequence(pairs, maxReferences(options.profile));
  for (const inode of inodes) {
    sequence.load(inode);
    if (sequence.sharedCount + sequence.localCount > 0) sizeXattrs(inode, sequence);
  }
  return { pairs: shared, size };
}

function count({ xattrs, pairs }: PlannedInode): void {
  for (const pair of xattrs.beforeMetacopy) pair.inodes++;
  for (const pair of xattrs.beforeRedirect) pair.inodes++;
  if (pairs !== undefined) pairs.metacopy.inodes++;
  if (pairs?.redirect !== undefined) pairs.redirect.inodes++;
  for (const pair of xattrs.last) pair.inodes++;
}

function sizeXattrs(inode: PlannedInode, { sharedCount, local, localCount }: XattrSequence): void {
  let size = xattrHeader.size + XATTR_UNIT * sharedCount;
  for (let index = 0; index < localCount; index++) size += pairSize(local[index]!);
  if (sharedCount > MAX_REFERENCES) throw unwritable(inode, `${sharedCount} attributes shared with other inodes, at most 255 are possible`);
  if (xattrIcount(size) > MAX_ICOUNT) throw unwritable(inode, `${size} bytes of extended attributes in the image`);
  inode.xattrSize = size;
}

/** Formats 0 and 1: by whole name, length of the value, value, each of them downwards. */
function descending(a: XattrPair, b: XattrPair): number {
  if (a.name.name !== b.name.name) return a.name.name > b.name.name ? -1 : 1;
  return valueSize(b) - valueSize(a) || compareValues(b, a);
}

/** Format 2: by number of the prefix, rest of the name, value, upwards. */
function ascending(a: XattrPair, b: XattrPair): number {
  if (a.name.index !== b.name.index) return a.name.index - b.name.index;
  if (a.name.suffix !== b.name.suffix) return a.name.suffix < b.name.suffix ? -1 : 1;
  return compareValues(a, b);
}

/** Values of one form compare like their object ids. Of those with two forms, digests are one length, and longer than nothing. */
function compareValues(a: XattrPair, b: XattrPair): number {
  const sameForm = a.name.form === b.name.form || a.name.form === 'metacopy' || b.name.form === 'metacopy';
  const [left, right] = sameForm ? [a.value, b.value] : [textOf(a), textOf(b)];
  return left < right ? -1 : 1;
}

function textOf({ name, value }: XattrPair): string {
  return name.form === 'redirect' ? redirectOf(value) : value;
}

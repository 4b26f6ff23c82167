import type { Time } from '@cfskit/fs-tree';
import { BLOCK_MAP_ENTRY, chunkCount, chunkFormat, MAX_CHUNKS } from './chunk.ts';
import { splitDirectory } from './directory-blocks.ts';
import { BLOCK, INODES_OFFSET, roundUp, SLOT } from './format.ts';
import { CHUNK_BASED, FLAT_INLINE, FLAT_PLAIN, headerSize } from './inode-layout.ts';
import { isSameTime } from './mtime.ts';
import type { PlannedInode } from './planned-inode.ts';

/** A tail of at most this many bytes stands behind its inode in formats 0 and 1, unless it is a block map or a link target. */
const MAX_TAIL = BLOCK / 2;
const MAX_SHORT = 0xffff;
const MAX_SIZE = 0xffffffff;

/** Sizes of the parts of an image. */
export interface Placement {
  /** Where the last inode ends, rounded up to a slot. */
  readonly inodesEnd: number;
  /** Blocks of the data area. */
  readonly blockCount: number;
}

/** Place the inodes of an image of format 0 or 1, one after the other, and the blocks that they need. */
export function placeEpoch1(inodes: readonly PlannedInode[], smallestMtime: Time): Placement {
  let position = INODES_OFFSET;
  let blockCount = 0;
  for (const inode of inodes) {
    measure(inode);
    inode.extended = !isCompact(inode, smallestMtime);
    inode.position = padEpoch1(inode, roundUp(position, SLOT));
    blockCount += inode.blockCount;
    position = inode.position + headOf(inode) + inode.tailSize;
  }
  return { inodesEnd: roundUp(position, SLOT), blockCount };
}

/** The same for format 2, where every inode is extended and files have no blocks. */
export function placeEpoch2(inodes: readonly PlannedInode[]): Placement {
  let position = INODES_OFFSET;
  let blockCount = 0;
  for (const inode of inodes) {
    measureEpoch2(inode);
    inode.position = padEpoch2(inode, roundUp(position, SLOT));
    blockCount += inode.blockCount;
    position = inode.position + headOf(inode) + inode.tailSize;
  }
  return { inodesEnd: roundUp(position, SLOT), blockCount };
}

function headOf(inode: PlannedInode): number {
  return headerSize(inode.extended) + inode.xattrSize;
}

/** The data layout: it follows from what an inode is and where its data went. */
export function layoutOf(inode: PlannedInode): number {
  if (inode.external !== undefined) return CHUNK_BASED;
  return inode.tailSize > 0 ? FLAT_INLINE : FLAT_PLAIN;
}

/** i_size, blocks and tail, before padding has its say. */
function measure(inode: PlannedInode): void {
  switch (inode.kind) {
    case 'directory':
      return measureDirectory(inode);
    case 'symlink':
      inode.tailSize = inode.size;
      return;
    case 'file':
      return inode.external === undefined ? measureContent(inode) : measureChunks(inode);
    default:
  }
}

function measureEpoch2(inode: PlannedInode): void {
  if (inode.kind === 'directory') measureDirectory(inode);
  else if (inode.external === undefined) inode.tailSize = inode.size;
  // The reference writes no map where it knows no digest, and no second entry however large the file.
  else inode.tailSize = inode.external.kind === 'external' ? BLOCK_MAP_ENTRY : 0;
}

function measureDirectory(inode: PlannedInode): void {
  const { ends, tailSize } = splitDirectory(inode.entries!.names);
  inode.blockCount = ends.length;
  inode.tailSize = tailSize;
  inode.size = ends.length * BLOCK + tailSize;
}

function measureContent(inode: PlannedInode): void {
  const tail = inode.size % BLOCK;
  inode.tailSize = tail > MAX_TAIL ? 0 : tail;
  inode.blockCount = Math.ceil((inode.size - inode.tailSize) / BLOCK);
}

function measureChunks(inode: PlannedInode): void {
  inode.tailSize = BLOCK_MAP_ENTRY * chunkCount(inode.size, chunkFormat(inode.size));
}

function isCompact({ stat, nlink, size }: PlannedInode, smallestMtime: Time): boolean {
  const small = nlink <= MAX_SHORT && stat.uid <= MAX_SHORT && stat.gid <= MAX_SHORT && size <= MAX_SIZE;
  return small && isSameTime(stat.mtime, smallestMtime);
}

/** Where an inode of format 0 or 1 goes that could start at `start`; a tail that fits nowhere behind it becomes a block. */
function padEpoch1(inode: PlannedInode, start: number): number {
  if (inode.kind === 'symlink') return padSymlink(inode, start);
  return inode.tailSize > 0 ? padTail(inode, start) : start;
}

/** A symbolic link lies in one block, inode, attributes and target together: kernels before 6.12 insist on that. */
function padSymlink(inode: PlannedInode, start: number): number {
  const total = headOf(inode) + inode.tailSize;
  if (total >= BLOCK) moveToBlock(inode);
  // Also where the target has just moved out.
  return blockOf(start) === blockOf(start + total - 1) ? start : roundUp(start, BLOCK);
}

/** Of others only the tail has to lie in one block. */
function padTail(inode: PlannedInode, start: number): number {
  const tailStart = start + headOf(inode);
  const room = BLOCK - (tailStart % BLOCK);
  if (room >= inode.tailSize) return start;
  const padding = roundUp(room, SLOT);
  if (inode.tailSize <= BLOCK - ((tailStart + padding) % BLOCK)) return start + padding;
  moveToBlock(inode);
  return roundUp(start, BLOCK);
}

function moveToBlock(inode: PlannedInode): void {
  inode.blockCount++;
  inode.tailSize = 0;
}

function blockOf(offset: number): number {
  return Math.floor(offset / BLOCK);
}

/** In format 2 a tail that ends exactly with its block is padded too, and the inode does not start where one would expect it. */
function padEpoch2(inode: PlannedInode, start: number): number {
  if (layoutOf(inode) !== FLAT_INLINE) return start;
  const tailStart = start + headOf(inode);
  if (blockOf(tailStart - 1) === blockOf(tailStart + (inode.size % BLOCK))) return start;
  return roundUp(start + BLOCK - ((tailStart - 1) % BLOCK), SLOT);
}

/** Entries of the block map of an external file that stand behind its inode or, promoted, fill a block. */
export function chunkEntries(inode: PlannedInode): number {
  return inode.tailSize > 0 ? inode.tailSize / BLOCK_MAP_ENTRY : inode.blockCount * MAX_CHUNKS;
}

/** The three image formats that composefs knows; they differ in bytes, hardly in what they can hold. */
export type FormatVersion = 0 | 1 | 2;

/** All of them. */
export const FORMAT_VERSIONS: readonly FormatVersion[] = [0, 1, 2];

/**
 * Whose decisions to follow where the two composefs implementations give different images for one tree.
 *
 * - `rs`: composefs-rs; everything but the classic tools
 * - `c`: `mkcomposefs` and `composefs-info` of composefs 1.0; formats 0 and 1 only
 */
export type Profile = 'rs' | 'c';

/** Bytes of a block. */
export const BLOCK = 4096;

/** Inodes start at multiples of this, and a nid counts in it. */
export const SLOT = 32;

/** Where the EROFS superblock is. */
export const SUPERBLOCK_OFFSET = 1024;

/** Where the first inode can be: right after the superblock. */
export const INODES_OFFSET = 1152;

/** `value`, or the next multiple of `unit`, which is a power of two and below 2^31. */
export function roundUp(value: number, unit: number): number {
  const over = value % unit;
  return over === 0 ? value : value + unit - over;
}

/** A tar consists of blocks of this many bytes. */
export const BLOCK_SIZE = 512;

/** The largest file content, in bytes, that stays inline. A constant of the format: the ids of layers depend on it. */
export const INLINE_CONTENT_MAX = 64;

/** The largest size that an entry may claim: with its padding it is still a safe integer. */
export const ENTRY_SIZE_MAX: number = Number.MAX_SAFE_INTEGER - (BLOCK_SIZE - 1);

/** Bytes that `size` bytes of content take in the tar: rounded up to whole blocks. */
export function storedSize(size: number): number {
  return size + paddingOf(size);
}

/** How many bytes of padding follow `size` bytes of content. */
export function paddingOf(size: number): number {
  return (BLOCK_SIZE - (size % BLOCK_SIZE)) % BLOCK_SIZE;
}

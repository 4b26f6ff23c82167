const LEAST_BITS = 12;
const MOST_BITS = 43;

/** Entries of the block map that composefs allows. */
export const MAX_CHUNKS = 1024;

/** The greatest size of an external file in formats 0 and 1: 1024 chunks of the largest kind. */
export const MAX_FILE_SIZE: number = MAX_CHUNKS * 2 ** MOST_BITS;

/** Bytes of an entry of the block map. */
export const BLOCK_MAP_ENTRY = 4;

/** What the block map of an external file says: nothing is here. */
export const HOLE = 0xffffffff;

/** The chunk format of an external file in format 2, whatever its size. */
export const V2_CHUNK_FORMAT: number = MOST_BITS - LEAST_BITS;

/** Bits of i_u that hold the size of chunks; of the others composefs uses none. */
export const CHUNK_SIZE_BITS = 0x1f;

/** The chunk format in formats 0 and 1, for a size above 0: how many bits a chunk's size is above that of a block. */
export function chunkFormat(size: number): number {
  return Math.min(Math.max(bitLength(size - 1), LEAST_BITS), MOST_BITS) - LEAST_BITS;
}

/** Entries of the block map of a file. */
export function chunkCount(size: number, format: number): number {
  return Math.ceil(size / 2 ** (format + LEAST_BITS));
}

function bitLength(value: number): number {
  const high = Math.floor(value / 2 ** 32);
  return high > 0 ? 64 - Math.clz32(high) : 32 - Math.clz32(value);
}

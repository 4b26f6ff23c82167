import { u32At } from './byte-source.ts';
import { BLOCK_MAP_ENTRY, chunkCount, CHUNK_SIZE_BITS, HOLE } from './chunk.ts';
import { ErofsError } from './errors.ts';
import type { ErofsImage } from './image.ts';
import type { Inode } from './read-inode.ts';

/** A map of this many entries always stands behind its inode; a longer one may have been moved to a block, and is not found again. */
const ALWAYS_INLINE = 1017;

/**
 * Check that an external file has no data in the image: its block map says "hole" for every chunk.
 *
 * @param verified whether the digest of the file is known; if not, images of format 2 have no map
 * @throws {ErofsError} OUT_OF_BOUNDS, INVALID_INODE
 */
export function checkBlockMap(image: ErofsImage, inode: Inode, verified: boolean): void {
  const count = image.version === 2 ? Number(verified) : chunkCount(inode.size, inode.u & CHUNK_SIZE_BITS);
  if (count > ALWAYS_INLINE) return;
  const offset = inode.xattrOffset + inode.xattrSize;
  const map = image.bytes.take(offset, count * BLOCK_MAP_ENTRY);
  for (let at = 0; at < map.length; at += BLOCK_MAP_ENTRY) {
    if (u32At(map, at) !== HOLE) throw new ErofsError('INVALID_INODE', 'external file with data in the image', { offset: offset + at });
  }
}

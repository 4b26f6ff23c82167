/** How bytes are packed: not at all, as gzip members (RFC 1952), or as zstd frames (RFC 8878). */
export type CompressionFormat = 'none' | 'gzip' | 'zstd';

/** The name of a decoder, or `'auto'`: the fastest that this machine has for the format. */
export type Backend = 'auto' | 'isal' | 'node' | 'zstd-napi' | 'fflate';

/**
 * Guess the format from the first bytes; four are enough. Anything that is neither gzip nor zstd is `'none'`.
 *
 * Where a media type says what the bytes are, believe that: {@link decode} refuses data of another format.
 */
export function detectFormat(head: Uint8Array): CompressionFormat {
  if (head[0] === 0x1f && head[1] === 0x8b) return 'gzip';
  if (head.length >= 4 && isZstdMagic(magicOf(head))) return 'zstd';
  return 'none';
}

/** The first four bytes as a little-endian number; bytes that are not there count as zero. */
export function magicOf(head: Uint8Array): number {
  return ((head[0] ?? 0) | ((head[1] ?? 0) << 8) | ((head[2] ?? 0) << 16) | ((head[3] ?? 0) << 24)) >>> 0;
}

/** First four bytes of a zstd frame with data in it. */
export const ZSTD_MAGIC = 0xfd2fb528;

/** Sixteen magic numbers, 0x184d2a50 to 0x184d2a5f, start a frame that decoders pass over. */
export function isSkippableMagic(magic: number): boolean {
  return (magic & 0xfffffff0) >>> 0 === 0x184d2a50;
}

function isZstdMagic(magic: number): boolean {
  return magic === ZSTD_MAGIC || isSkippableMagic(magic);
}

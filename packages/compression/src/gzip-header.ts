import type { Crc32 } from './crc32.ts';
import { CompressionError } from './errors.ts';
import type { Input } from './input.ts';

const FIXED_SIZE = 10;
const MAGIC = [0x1f, 0x8b] as const;
const DEFLATE = 8;
const FLAG = { headerCrc: 0x02, extra: 0x04, name: 0x08, comment: 0x10, reserved: 0xe0 } as const;

/**
 * Take the header of a gzip member, optional fields included, of any length and without keeping them. RFC 1952, section 2.3.
 *
 * @throws {CompressionError} BAD_MAGIC, TRUNCATED, CORRUPT, BAD_CHECKSUM
 */
export async function takeGzipHeader(input: Input, crc32: Crc32): Promise<void> {
  const start = input.offset;
  const fixed = await takeFixedPart(input);
  const flags = fixed[3] as number;
  if (fixed[2] !== DEFLATE) throw new CompressionError('CORRUPT', `gzip: unknown compression method ${fixed[2]}`, { offset: start + 2 });
  if (flags & FLAG.reserved) throw new CompressionError('CORRUPT', 'gzip: reserved flags are set', { offset: start + 3 });

  const seen = flags & FLAG.headerCrc ? { crc: crc32(fixed, 0), crc32 } : undefined;
  if (flags & FLAG.extra) await takeExtraField(input, seen);
  if (flags & FLAG.name) await takeText(input, seen);
  if (flags & FLAG.comment) await takeText(input, seen);
  if (seen !== undefined) await takeHeaderCrc(input, seen.crc & 0xffff);
}

/** The running CRC of the header, where it has one. */
interface Seen {
  crc: number;
  readonly crc32: Crc32;
}

async function takeFixedPart(input: Input): Promise<Uint8Array> {
  const fixed = await input.peek(FIXED_SIZE);
  if (MAGIC.some((byte, index) => index < fixed.length && fixed[index] !== byte)) {
    throw new CompressionError('BAD_MAGIC', 'not gzip data', { offset: input.offset });
  }
  return input.take(FIXED_SIZE, 'a gzip header');
}

async function takeExtraField(input: Input, seen: Seen | undefined): Promise<void> {
  const length = await input.take(2, 'a gzip header');
  look(seen, length);
  for (let left = (length[0] as number) | ((length[1] as number) << 8); left > 0;) {
    if (input.isEmpty && !(await input.fill())) throw input.truncated('a gzip header');
    const piece = input.available.subarray(0, left);
    look(seen, piece);
    input.advance(piece.byteLength);
    left -= piece.byteLength;
  }
}

/** A text of unlimited length, up to and including its NUL. */
async function takeText(input: Input, seen: Seen | undefined): Promise<void> {
  for (let end = -1; end < 0;) {
    if (input.isEmpty && !(await input.fill())) throw input.truncated('a gzip header');
    const available = input.available;
    end = available.indexOf(0);
    const piece = end < 0 ? available : available.subarray(0, end + 1);
    look(seen, piece);
    input.advance(piece.byteLength);
  }
}

async function takeHeaderCrc(input: Input, expected: number): Promise<void> {
  const offset = input.offset;
  const bytes = await input.take(2, 'a gzip header');
  if (((bytes[0] as number) | ((bytes[1] as number) << 8)) === expected) return;
  throw new CompressionError('BAD_CHECKSUM', 'gzip: the CRC of the header does not match', { offset });
}

function look(seen: Seen | undefined, bytes: Uint8Array): void {
  if (seen !== undefined) seen.crc = seen.crc32(bytes, seen.crc);
}

import type { Crc32 } from './crc32.ts';
import type { UnitDecoder } from './decoder.ts';
import { CompressionError } from './errors.ts';
import { takeGzipHeader } from './gzip-header.ts';
import type { Input } from './input.ts';
import type { Output } from './output.ts';

const TRAILER_SIZE = 8;

/**
 * Decode a gzip file: one member or more, then zeros or nothing. RFC 1952, section 2.2.
 *
 * CRC-32 and length of every member are compared here, whatever decoder inflates; the data between two members, and behind the last, is
 * looked at here too, because decoders disagree about it.
 *
 * @throws {CompressionError} of every code about data
 */
export async function* gunzip(
  input: Input,
  output: Output,
  inflate: UnitDecoder,
  crc32: Crc32,
): AsyncGenerator<Uint8Array<ArrayBuffer>, void, undefined> {
  do {
    await takeGzipHeader(input, crc32);
    const sum = new MemberSum(crc32);
    output.observe = (bytes) => sum.update(bytes);
    yield* inflate(input, output);
    await takeTrailer(input, sum);
  } while (await anotherMember(input));
}

/** What the trailer of a member states. */
class MemberSum {
  readonly #crc32: Crc32;
  crc = 0;
  size = 0;

  constructor(crc32: Crc32) {
    this.#crc32 = crc32;
  }

  update(bytes: Uint8Array): void {
    this.crc = this.#crc32(bytes, this.crc);
    this.size = (this.size + bytes.byteLength) % 2 ** 32;
  }
}

async function takeTrailer(input: Input, sum: MemberSum): Promise<void> {
  const offset = input.offset;
  const trailer = await input.take(TRAILER_SIZE, 'a gzip trailer');
  const view = new DataView(trailer.buffer, trailer.byteOffset, TRAILER_SIZE);
  const crc = view.getUint32(0, true);
  const size = view.getUint32(4, true);
  if (crc !== sum.crc) {
    throw new CompressionError('BAD_CHECKSUM', `gzip: the CRC-32 is ${hex(sum.crc)}, the member says ${hex(crc)}`, { offset });
  }
  if (size !== sum.size) {
    throw new CompressionError('BAD_CHECKSUM', `gzip: the length modulo 2^32 is ${sum.size}, the member says ${size}`, {
      offset: offset + 4,
    });
  }
}

/** Behind a member comes another, or the end, before which any number of zeros may stand: tapes and some tools pad. */
async function anotherMember(input: Input): Promise<boolean> {
  const next = await input.peek(2);
  if (next[0] === 0x1f && (next.length === 1 || next[1] === 0x8b)) return true;
  do {
    const offset = input.offset;
    const available = input.available;
    const other = available.findIndex((byte) => byte !== 0);
    if (other >= 0) throw new CompressionError('TRAILING_DATA', 'gzip: other data follows the last member', { offset: offset + other });
    input.advance(available.byteLength);
  } while (await input.fill());
  return false;
}

function hex(value: number): string {
  return `0x${value.toString(16).padStart(8, '0')}`;
}

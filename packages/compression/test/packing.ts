import { constants, gzipSync, zstdCompressSync } from 'node:zlib';
import { concat, type Decoder } from './support.ts';

/** What node:zlib, the other implementation, makes of `content`. Zstd frames carry a checksum, so that damage shows. */
export function pack(format: Decoder['format'], content: Uint8Array, level = 6): Uint8Array {
  if (format === 'gzip') return new Uint8Array(gzipSync(content, { level }));
  const params = { [constants.ZSTD_c_checksumFlag]: 1, [constants.ZSTD_c_compressionLevel]: level };
  return new Uint8Array(zstdCompressSync(content, { params }));
}

/** A skippable zstd frame. */
export function skippable(magic: number, content: Uint8Array): Uint8Array {
  const head = new DataView(new ArrayBuffer(8));
  head.setUint32(0, 0x184d2a50 + magic, true);
  head.setUint32(4, content.byteLength, true);
  return concat(new Uint8Array(head.buffer), content);
}

/** A zstd frame of `blocks` blocks of 128 KiB, each one byte repeated: 4 bytes of input for each. */
export function zstdBomb(blocks: number): Uint8Array {
  const frame = new Uint8Array(6 + 4 * blocks);
  frame.set([0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x58]);
  for (let block = 0; block < blocks; block++) {
    const header = (block === blocks - 1 ? 1 : 0) | (1 << 1) | (0x20000 << 3);
    frame.set([header & 0xff, (header >> 8) & 0xff, header >> 16, 0], 6 + 4 * block);
  }
  return frame;
}

/** Gzip members of 16 MiB of zeros each, 16 KB of input for each. */
export function gzipBomb(members: number): Uint8Array {
  const member = pack('gzip', new Uint8Array(2 ** 24), 9);
  return concat(...Array.from({ length: members }, () => member));
}

/** A member with all optional fields of the header, the texts `length` bytes long. */
export function gzipWithFields(content: Uint8Array, length: number, headerCrc: number | undefined): Uint8Array {
  const plain = pack('gzip', content);
  const fields = fieldsOf(plain, length, headerCrc !== undefined);
  const crc = headerCrc === undefined ? new Uint8Array(0) : Uint8Array.of(headerCrc & 0xff, (headerCrc >> 8) & 0xff);
  return concat(fields, crc, plain.subarray(10));
}

/** The header of {@link gzipWithFields} up to its CRC. */
export function fieldsOf(plain: Uint8Array, length: number, withCrc: boolean): Uint8Array {
  const fixed = plain.slice(0, 10);
  fixed[3] = 0x04 | 0x08 | 0x10 | (withCrc ? 0x02 : 0);
  const extra = new Uint8Array(Math.min(length, 0xffff)).fill(0x1f);
  const name = new Uint8Array(length + 1).fill(0x61, 0, length);
  return concat(fixed, Uint8Array.of(extra.length & 0xff, extra.length >> 8), extra, name, name);
}

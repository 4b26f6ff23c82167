import { ascii, decode, encode, struct, u16, u8, type Struct } from '@cfskit/binary';
import { KERNEL_ID, LOG_BLOCK_SIZE, type Algorithm } from '@cfskit/fs-verity';
import { SplitstreamError } from './errors.ts';
import { fileRange, type FileRange } from './range.ts';

const MAGIC = 'SplitStream';
const VERSION = 0;
const ZSTD_MAGIC = [0x28, 0xb5, 0x2f, 0xfd] as const;

/** The first bytes of a file, in either of the two layouts that are read. */
interface Header {
  readonly magic: string;
  readonly version: number;
  readonly flags: number;
  readonly algorithm: number;
  readonly logBlockSize: number;
  readonly info: FileRange;
}

/** The 32 bytes at offset 0, little-endian. */
export const header: Struct<Header> = struct<Header>({
  magic: ascii(11), //       0  always "SplitStream"
  version: u8, //           11  always 0
  flags: u16, //            12  written 0, ignored on read
  algorithm: u8, //         14  kernel fs-verity id: 1 = sha256, 2 = sha512
  logBlockSize: u8, //      15  log2 of bytes: 12 = 4096
  info: fileRange, //       16  where the info section is
});

/** The same fields in the order in which a compiler had put them, from November 2025 to March 2026. */
export const oldHeader: Struct<Header> = struct<Header>({
  info: fileRange, //        0
  flags: u16, //            16
  magic: ascii(11), //      18
  version: u8, //           29
  algorithm: u8, //         30
  logBlockSize: u8, //      31
});

/** Bytes of every header, the old one too. */
export const HEADER_SIZE: number = header.size;

/**
 * Which writer made a file.
 *
 * - `current`: composefs 0.4.0 and from 0.7.0 on
 * - `old-header`: git tags v0.5.0 and v0.6.0, bootc up to 1.15; the same but for the first 32 bytes
 * - `digest-map`: 0.3.0 or before, which is not read: the file is one zstd frame
 * - `unknown`: something else
 */
export type Generation = 'current' | 'old-header' | 'digest-map' | 'unknown';

/** @param head the first 32 bytes of a file, or all of a shorter one */
export function detectGeneration(head: Uint8Array): Generation {
  if (hasMagic(head, header)) return 'current';
  if (hasMagic(head, oldHeader)) return 'old-header';
  if (ZSTD_MAGIC.every((byte, index) => head[index] === byte)) return 'digest-map';
  return 'unknown';
}

/**
 * @param head the first 32 bytes of a file, or all of a shorter one
 * @throws {SplitstreamError} UNSUPPORTED_GENERATION, TRUNCATED_HEADER, BAD_MAGIC, UNSUPPORTED_VERSION, ALGORITHM_MISMATCH,
 *   UNSUPPORTED_BLOCK_SIZE
 */
export function decodeHeader(head: Uint8Array, algorithm: Algorithm): { generation: 'current' | 'old-header'; info: FileRange } {
  const generation = detectGeneration(head);
  if (generation === 'digest-map') throw unsupportedGeneration();
  if (head.byteLength < HEADER_SIZE) {
    throw new SplitstreamError(
      'TRUNCATED_HEADER',
      `Error reading splitstream header: wanted ${HEADER_SIZE} bytes, found ${head.byteLength}`,
    );
  }
  if (generation === 'unknown') throw new SplitstreamError('BAD_MAGIC', 'Invalid splitstream header magic value');
  const value = decode(generation === 'current' ? header : oldHeader, head);
  if (value.version !== VERSION) throw new SplitstreamError('UNSUPPORTED_VERSION', `Invalid splitstream version ${value.version}`);
  if (value.algorithm !== KERNEL_ID[algorithm]) {
    throw new SplitstreamError('ALGORITHM_MISMATCH', 'Invalid splitstream fs-verity algorithm type');
  }
  if (value.logBlockSize !== LOG_BLOCK_SIZE) {
    throw new SplitstreamError('UNSUPPORTED_BLOCK_SIZE', 'Invalid splitstream fs-verity block size');
  }
  return { generation, info: value.info };
}

/** The header as it is written. */
export function encodeHeader(algorithm: Algorithm, info: FileRange): Uint8Array<ArrayBuffer> {
  const fixed = { magic: MAGIC, version: VERSION, flags: 0, logBlockSize: LOG_BLOCK_SIZE };
  return encode(header, { ...fixed, algorithm: KERNEL_ID[algorithm], info });
}

function hasMagic(head: Uint8Array, layout: Struct<Header>): boolean {
  for (let index = 0; index < MAGIC.length; index++) {
    if (head[layout.offsets.magic + index] !== MAGIC.charCodeAt(index)) return false;
  }
  return true;
}

function unsupportedGeneration(): SplitstreamError {
  const message =
    'Invalid splitstream header magic value: this is a splitstream of composefs 0.3.0 or before (a digest map in a zstd frame), ' +
    'which no later version reads; import the content again into a new repository';
  return new SplitstreamError('UNSUPPORTED_GENERATION', message);
}

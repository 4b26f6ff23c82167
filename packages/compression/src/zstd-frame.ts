import { CompressionError } from './errors.ts';
import { ZSTD_MAGIC } from './format.ts';

/** The longest header: magic, descriptor, window, dictionary id of 4 bytes, content size of 8. */
export const MAX_HEADER_SIZE = 18;

/** Windows above this are refused, as the library does unless told otherwise. */
export const MAX_WINDOW: number = 2 ** 27;

/** The header of a zstd frame. RFC 8878, section 3.1.1.1. */
export interface ZstdFrameHeader {
  /** Bytes from the magic number to the first block. */
  readonly size: number;
  /** Bytes that a decoder must keep for back references. */
  readonly windowSize: number;
  /** 0 where none is named. */
  readonly dictionaryId: number;
  /** Bytes that the frame decodes to, where the header says so. */
  readonly contentSize: number | undefined;
  readonly hasChecksum: boolean;
}

/**
 * @param bytes from the magic number on: {@link MAX_HEADER_SIZE} bytes, or all there are
 * @returns undefined if the header is longer than `bytes`
 * @throws {CompressionError} CORRUPT
 */
export function decodeFrameHeader(bytes: Uint8Array, offset: number): ZstdFrameHeader | undefined {
  const descriptor = bytes[4];
  if (descriptor === undefined) return undefined;
  if (descriptor & 0x08) throw new CompressionError('CORRUPT', 'zstd: a reserved bit of the frame header is set', { offset: offset + 4 });
  const isSingleSegment = (descriptor & 0x20) !== 0;
  const windowAt = 5;
  const dictionaryAt = windowAt + (isSingleSegment ? 0 : 1);
  const dictionaryLength = [0, 1, 2, 4][descriptor & 3] as number;
  const contentAt = dictionaryAt + dictionaryLength;
  const contentLength = [isSingleSegment ? 1 : 0, 2, 4, 8][descriptor >> 6] as number;
  const size = contentAt + contentLength;
  if (bytes.byteLength < size) return undefined;

  // A content size of two bytes starts counting at 256.
  const contentSize = contentLength === 0 ? undefined : littleEndian(bytes, contentAt, contentLength) + (contentLength === 2 ? 256 : 0);
  const windowSize = isSingleSegment ? (contentSize as number) : decodeWindow(bytes[windowAt] as number);
  const dictionaryId = littleEndian(bytes, dictionaryAt, dictionaryLength);
  return { size, windowSize, dictionaryId, contentSize, hasChecksum: (descriptor & 0x04) !== 0 };
}

function decodeWindow(descriptor: number): number {
  const base = 2 ** (10 + (descriptor >> 3));
  return base + (base / 8) * (descriptor & 7);
}

/** As a number; above 2^53 no longer exact, which is enough to compare it with limits. */
function littleEndian(bytes: Uint8Array, at: number, length: number): number {
  let value = 0;
  for (let index = length - 1; index >= 0; index--) value = value * 256 + (bytes[at + index] as number);
  return value;
}

const RESERVED_BLOCK = 3;
const RLE_BLOCK = 1;

/**
 * Finds the end of a frame by its block headers, without decoding: for a decoder that would not say where it stopped.
 *
 * Feed it the bytes behind the frame header, in any pieces. RFC 8878, section 3.1.1.2.
 */
export class ZstdBlockScanner {
  readonly #checksumSize: number;
  #blockHeader = 0;
  #blockHeaderBytes = 0;
  #body = 0;
  #isLast = false;
  /** Whether the frame's last byte has been seen. */
  isDone = false;

  constructor(header: ZstdFrameHeader) {
    this.#checksumSize = header.hasChecksum ? 4 : 0;
  }

  /**
   * @returns how many bytes of `bytes` belong to the frame: all, unless the frame ends among them
   * @throws {CompressionError} CORRUPT for a reserved block type
   */
  scan(bytes: Uint8Array): number {
    let position = 0;
    while (!this.isDone && position < bytes.byteLength) {
      if (this.#body > 0) {
        const step = Math.min(this.#body, bytes.byteLength - position);
        position += step;
        this.#body -= step;
      } else {
        this.#takeHeaderByte(bytes[position++] as number);
      }
      this.isDone = this.#isLast && this.#body === 0;
    }
    return position;
  }

  #takeHeaderByte(byte: number): void {
    this.#blockHeader |= byte << (8 * this.#blockHeaderBytes++);
    if (this.#blockHeaderBytes < 3) return;
    const type = (this.#blockHeader >> 1) & 3;
    if (type === RESERVED_BLOCK) throw new CompressionError('CORRUPT', 'zstd: a block of the reserved type');
    this.#isLast = (this.#blockHeader & 1) === 1;
    this.#body = (type === RLE_BLOCK ? 1 : this.#blockHeader >> 3) + (this.#isLast ? this.#checksumSize : 0);
    this.#blockHeader = 0;
    this.#blockHeaderBytes = 0;
  }
}

/** Whether `bytes`, fewer than four, could be the start of a frame: then the data is cut off, otherwise something else. */
export function startsLikeFrame(bytes: Uint8Array): boolean {
  const frame = bytes.every((byte, index) => byte === ((ZSTD_MAGIC >>> (8 * index)) & 0xff));
  const skippable = bytes.every((byte, index) => (index === 0 ? (byte & 0xf0) === 0x50 : byte === [0, 0x2a, 0x4d][index]));
  return frame || skippable;
}

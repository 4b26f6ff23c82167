import { ErofsError } from './errors.ts';

/** A file that can be read at any place, without waiting. Bytes that it gave are not changed afterwards. */
export interface ByteSource {
  /** In bytes. */
  readonly size: number;
  /** Exactly the bytes from `start` up to `end`, which lie within the size. */
  read(start: number, end: number): Uint8Array;
}

const PAGE = 64 * 1024;
/** As many pages are kept, the last used: 4 MiB. */
const PAGES = 64;

/** The bytes of an image, wherever they are. */
export class ImageBytes {
  readonly size: number;
  readonly #whole: Uint8Array | undefined;
  readonly #read: ByteSource['read'];
  readonly #pages = new Map<number, Uint8Array>();

  constructor(source: Uint8Array | ByteSource) {
    this.#whole = source instanceof Uint8Array ? source : undefined;
    this.size = source instanceof Uint8Array ? source.length : source.size;
    this.#read = source instanceof Uint8Array ? (start, end) => source.subarray(start, end) : (start, end) => source.read(start, end);
  }

  /**
   * The bytes at `offset`, as a view that must not be written to.
   *
   * @throws {ErofsError} OUT_OF_BOUNDS, TRUNCATED
   */
  take(offset: number, length: number): Uint8Array {
    const end = offset + length;
    if (!(offset >= 0 && length >= 0 && end <= this.size)) {
      throw new ErofsError('OUT_OF_BOUNDS', `wanted ${length} bytes, the image ends at ${this.size}`, { offset });
    }
    if (this.#whole !== undefined) return this.#whole.subarray(offset, end);
    const page = Math.floor(offset / PAGE);
    if (end > (page + 1) * PAGE) return this.#load(offset, end);
    return this.#page(page).subarray(offset - page * PAGE, end - page * PAGE);
  }

  #page(page: number): Uint8Array {
    const kept = this.#pages.get(page);
    if (kept !== undefined) {
      this.#pages.delete(page);
      this.#pages.set(page, kept);
      return kept;
    }
    const bytes = this.#load(page * PAGE, Math.min((page + 1) * PAGE, this.size));
    this.#pages.set(page, bytes);
    const oldest = this.#pages.size > PAGES ? this.#pages.keys().next().value : undefined;
    if (oldest !== undefined) this.#pages.delete(oldest);
    return bytes;
  }

  #load(start: number, end: number): Uint8Array {
    const bytes = this.#read(start, end);
    if (bytes.length === end - start) return bytes;
    throw new ErofsError('TRUNCATED', `the source gave ${bytes.length} of ${end - start} bytes`, { offset: start });
  }
}

/** Little-endian, from bytes that are known to be there. */
export function u16At(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8);
}

/** Little-endian, from bytes that are known to be there. */
export function u32At(bytes: Uint8Array, at: number): number {
  return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
}

/** Little-endian, from bytes that are known to be there; inexact from 2^53. */
export function u64At(bytes: Uint8Array, at: number): number {
  return u32At(bytes, at + 4) * 2 ** 32 + u32At(bytes, at);
}

import { DecodeError } from './errors.ts';
import { requireBytes, viewOf, type Field } from './field.ts';

/**
 * Reads a buffer from front to back and never past its end. Keeps a reference to `bytes` and copies nothing by itself.
 *
 * Every method that fails leaves the cursor where it was.
 */
export class Cursor {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #offset: number;

  /** @throws {DecodeError} TRUNCATED if `offset` lies behind the end */
  constructor(bytes: Uint8Array, offset: number = 0) {
    if (offset > bytes.byteLength) {
      throw new DecodeError('TRUNCATED', bytes.byteLength, `wanted to start at ${offset}, found the end`);
    }
    this.#bytes = bytes;
    this.#view = viewOf(bytes);
    this.#offset = offset;
  }

  /** Bytes consumed so far, from the start of the buffer. */
  get offset(): number {
    return this.#offset;
  }

  /** Bytes not yet consumed. */
  get remaining(): number {
    return this.#bytes.byteLength - this.#offset;
  }

  /**
   * The next `length` bytes, as a view into the buffer.
   *
   * @throws {DecodeError} TRUNCATED
   */
  take(length: number): Uint8Array {
    const start = this.#advance(length);
    return this.#bytes.subarray(start, start + length);
  }

  /** @throws {DecodeError} TRUNCATED, OUT_OF_RANGE as `field` says */
  read<T>(field: Field<T>): T {
    requireBytes(this.#bytes.byteLength, this.#offset, field.size);
    const value = field.get(this.#view, this.#offset);
    this.#offset += field.size;
    return value;
  }

  /** @throws {DecodeError} TRUNCATED */
  skip(length: number): void {
    this.#advance(length);
  }

  #advance(length: number): number {
    if (!Number.isInteger(length) || length < 0) throw new RangeError(`wanted a number of bytes, found ${length}`);
    requireBytes(this.#bytes.byteLength, this.#offset, length);
    const start = this.#offset;
    this.#offset += length;
    return start;
  }
}

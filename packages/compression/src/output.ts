import type { Input } from './input.ts';
import { OutputGuard, type DecodeLimits } from './limits.ts';

/** Memory for a chunk of output, at least as long as asked for. */
export type Allocate = (size: number) => Uint8Array<ArrayBuffer>;

/** Size of a chunk unless the caller says otherwise; larger ones are no faster. */
export const DEFAULT_OUTPUT_SIZE: number = 2 ** 20;

const MIN_OUTPUT_SIZE = 2 ** 10;
const MAX_OUTPUT_SIZE = 2 ** 30;

/** @throws {RangeError} */
export function checkOutputSize(size: number): void {
  if (Number.isInteger(size) && size >= MIN_OUTPUT_SIZE && size <= MAX_OUTPUT_SIZE) return;
  throw new RangeError(`outputSize must be an integer from ${MIN_OUTPUT_SIZE} to ${MAX_OUTPUT_SIZE}, not ${size}`);
}

/** The first buffer of a stream is small: most of a repository's streams are. */
const FIRST_BUFFER = 2 ** 16;

const EMPTY = new Uint8Array(0);

/**
 * Collects what a decoder puts out into chunks of one size and watches the limits. A chunk that was taken is never touched again,
 * and is alone in its ArrayBuffer.
 */
export class Output {
  /** Sees every byte once, in order: for checksums. */
  observe: ((bytes: Uint8Array) => void) | undefined;
  readonly #input: Input;
  readonly #guard: OutputGuard;
  readonly #size: number;
  readonly #allocate: Allocate | undefined;
  #buffer: Uint8Array<ArrayBuffer> = EMPTY;
  #length = 0;
  #total = 0;

  constructor(input: Input, limits: DecodeLimits | undefined, size: number, allocate: Allocate | undefined) {
    this.#input = input;
    this.#guard = new OutputGuard(limits);
    this.#size = size;
    this.#allocate = allocate;
  }

  /** The buffer being filled, for decoders that need its address; {@link length} is where its free part starts. */
  get buffer(): Uint8Array<ArrayBuffer> {
    if (this.#buffer.byteLength === 0) this.#buffer = this.#newBuffer();
    return this.#buffer;
  }

  get length(): number {
    return this.#length;
  }

  /** The free part of the buffer. */
  get space(): Uint8Array<ArrayBuffer> {
    return this.buffer.subarray(this.#length);
  }

  /** Whether chunks must lie in memory that the caller gives. */
  get allocates(): boolean {
    return this.#allocate !== undefined;
  }

  get isFull(): boolean {
    return this.#length === this.#buffer.byteLength && this.#length > 0;
  }

  /**
   * `count` bytes of {@link space} have been filled.
   *
   * @throws {CompressionError} OUTPUT_LIMIT, RATIO_LIMIT
   */
  commit(count: number): void {
    if (count === 0) return;
    this.count(this.#buffer.subarray(this.#length, this.#length + count));
    this.#length += count;
  }

  /** Account for bytes that go out by another way. @throws {CompressionError} OUTPUT_LIMIT, RATIO_LIMIT */
  count(bytes: Uint8Array): void {
    this.#total += bytes.byteLength;
    this.#guard.check(this.#total, this.#input.pulled);
    this.observe?.(bytes);
  }

  /** Announce bytes to come, where a header gives their number. @throws {CompressionError} OUTPUT_LIMIT */
  expect(count: number): void {
    this.#guard.check(this.#total + count, Infinity);
  }

  /** Copy in as much of `bytes` as there is space for. @returns how many */
  write(bytes: Uint8Array): number {
    const count = Math.min(bytes.byteLength, this.buffer.byteLength - this.#length);
    this.#buffer.set(count === bytes.byteLength ? bytes : bytes.subarray(0, count), this.#length);
    this.commit(count);
    return count;
  }

  /** Copy in all of `bytes`; yields the chunks that it fills. */
  *writeAll(bytes: Uint8Array): Generator<Uint8Array<ArrayBuffer>, void, undefined> {
    for (let rest = bytes; rest.byteLength > 0;) {
      rest = rest.subarray(this.write(rest));
      if (this.isFull) yield this.take();
    }
  }

  /** The chunk collected so far; may be empty. */
  take(): Uint8Array<ArrayBuffer> {
    const chunk = this.#buffer.subarray(0, this.#length);
    this.#buffer = EMPTY;
    this.#length = 0;
    return chunk;
  }

  #newBuffer(): Uint8Array<ArrayBuffer> {
    if (this.#allocate !== undefined) return this.#allocated(this.#allocate(this.#size));
    return new Uint8Array(this.#total === 0 ? Math.min(FIRST_BUFFER, this.#size) : this.#size);
  }

  #allocated(buffer: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
    if (buffer.byteLength >= this.#size) return buffer;
    throw new RangeError(`allocate(${this.#size}) returned ${buffer.byteLength} bytes`);
  }
}

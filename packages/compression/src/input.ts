import { CompressionError } from './errors.ts';

const EMPTY = new Uint8Array(0);

/**
 * The compressed bytes, pulled chunk by chunk. A decoder takes from the front of `available`, and asks for more when that is empty.
 * Errors of the source pass through untouched.
 */
export class Input {
  readonly #iterator: AsyncIterator<Uint8Array> | Iterator<Uint8Array>;
  readonly #signal: AbortSignal | undefined;
  #chunk: Uint8Array = EMPTY;
  #position = 0;
  #pulled = 0;
  #ended = false;

  constructor(source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>, signal?: AbortSignal) {
    this.#iterator = Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]();
    this.#signal = signal;
  }

  /** Bytes at hand and not taken yet. */
  get available(): Uint8Array {
    return this.#position === 0 ? this.#chunk : this.#chunk.subarray(this.#position);
  }

  get isEmpty(): boolean {
    return this.#position === this.#chunk.byteLength;
  }

  /** Bytes that the source has given. */
  get pulled(): number {
    return this.#pulled;
  }

  /** Bytes taken: where in the source the next one is. */
  get offset(): number {
    return this.#pulled - (this.#chunk.byteLength - this.#position);
  }

  /** Take bytes; a negative count gives back some of those taken since the last {@link fill}. */
  advance(count: number): void {
    this.#position += count;
  }

  /** Give back bytes that were taken before the last {@link fill}. */
  unread(bytes: Uint8Array): void {
    this.#chunk = join(bytes, this.available);
    this.#position = 0;
  }

  /**
   * Add a chunk of the source behind what is available.
   *
   * @returns whether there was another
   */
  async fill(): Promise<boolean> {
    const chunk = await this.#pull();
    if (chunk === undefined) return false;
    this.#chunk = this.isEmpty ? chunk : join(this.available, chunk);
    this.#position = 0;
    return true;
  }

  /** The next `count` bytes without taking them, or fewer where the source ends before. */
  async peek(count: number): Promise<Uint8Array> {
    while (this.#chunk.byteLength - this.#position < count && (await this.fill()));
    return this.#chunk.subarray(this.#position, this.#position + count);
  }

  /** @throws {CompressionError} TRUNCATED if the source ends before `count` bytes */
  async take(count: number, what: string): Promise<Uint8Array> {
    const bytes = await this.peek(count);
    if (bytes.byteLength < count) throw this.truncated(what);
    this.advance(count);
    return bytes;
  }

  /** Pass over `count` bytes, keeping none. @throws {CompressionError} TRUNCATED */
  async skip(count: number, what: string): Promise<void> {
    for (let left = count; left > 0;) {
      if (this.isEmpty && !(await this.fill())) throw this.truncated(what);
      const step = Math.min(left, this.available.byteLength);
      this.advance(step);
      left -= step;
    }
  }

  truncated(what: string): CompressionError {
    return new CompressionError('TRUNCATED', `the data ends inside ${what}`, { offset: this.#pulled });
  }

  /** Read the source to its end, so that whoever checks the bytes on their way here sees all of them. */
  async drain(): Promise<void> {
    this.#chunk = EMPTY;
    this.#position = 0;
    while ((await this.#pull()) !== undefined);
  }

  /** Let the source release what it holds. */
  async close(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    await this.#iterator.return?.();
  }

  async #pull(): Promise<Uint8Array | undefined> {
    while (!this.#ended) {
      this.#signal?.throwIfAborted();
      const result = await this.#next();
      if (result.done) this.#ended = true;
      else if (result.value.byteLength > 0) {
        this.#pulled += result.value.byteLength;
        return result.value;
      }
    }
    return undefined;
  }

  async #next(): Promise<IteratorResult<Uint8Array>> {
    try {
      return await this.#iterator.next();
    } catch (error) {
      this.#ended = true; // an iterator that threw is finished: nothing to close
      throw error;
    }
  }
}

function join(head: Uint8Array, tail: Uint8Array): Uint8Array {
  const joined = new Uint8Array(head.byteLength + tail.byteLength);
  joined.set(head);
  joined.set(tail, head.byteLength);
  return joined;
}

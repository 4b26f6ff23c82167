import { concatBytes } from '@cfskit/binary';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN = 0x7b;
const CLOSE = 0x7d;

/**
 * Cuts a stream of bytes into JSON objects, for the socket that keeps no boundaries. Knows strings and braces only: whether it is JSON is seen
 * when it is parsed. What stands between objects is dropped.
 */
export class JsonFramer {
  readonly #max: number;
  #parts: Uint8Array[] = [];
  #size = 0;
  #depth = 0;
  #inString = false;
  #escaped = false;

  /** @param max longest object, in bytes */
  constructor(max: number) {
    this.#max = max;
  }

  /**
   * Take bytes in.
   *
   * @returns the objects that are complete now; undefined when one is longer than allowed
   */
  push(chunk: Uint8Array): readonly Uint8Array[] | undefined {
    const complete: Uint8Array[] = [];
    let start = this.#depth > 0 ? 0 : -1;
    for (let at = 0; at < chunk.length; at++) {
      const depth = this.#depth;
      this.#step(chunk[at]!);
      if (depth === 0 && this.#depth === 1) start = at;
      if (depth !== 1 || this.#depth !== 0) continue;
      complete.push(this.#take(chunk.subarray(start, at + 1)));
      start = -1;
    }
    if (start >= 0) this.#keep(chunk.subarray(start));
    return this.#size > this.#max ? undefined : complete;
  }

  #step(byte: number): void {
    if (this.#inString) {
      if (this.#escaped) this.#escaped = false;
      else if (byte === BACKSLASH) this.#escaped = true;
      else if (byte === QUOTE) this.#inString = false;
    } else if (byte === OPEN) this.#depth++;
    else if (this.#depth === 0) return;
    else if (byte === CLOSE) this.#depth--;
    else if (byte === QUOTE) this.#inString = true;
  }

  #keep(part: Uint8Array): void {
    this.#parts.push(part.slice());
    this.#size += part.byteLength;
  }

  #take(last: Uint8Array): Uint8Array {
    this.#keep(last);
    const whole = concatBytes(this.#parts);
    this.#parts = [];
    this.#size = 0;
    return whole;
  }
}

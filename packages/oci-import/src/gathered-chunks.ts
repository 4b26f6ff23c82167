import type { Allocate } from '@cfskit/compression';
import { isAlone } from './owned-chunks.ts';

/** Small chunks are gathered to this size, so that there are few messages. */
const CHUNK = 512 * 1024;

/** The same bytes in chunks whose memory may be handed to another thread. Large chunks are passed on, not copied. */
export async function* gathered(source: AsyncIterable<Uint8Array>, allocate: Allocate): AsyncGenerator<Uint8Array<ArrayBuffer>, void> {
  const small = new Gathered(allocate);
  for await (const chunk of source) {
    if (isAlone(chunk)) {
      yield* small.take();
      yield chunk;
      continue;
    }
    for (let at = 0; at < chunk.length;) {
      at += small.add(chunk.subarray(at));
      if (small.isFull) yield* small.take();
    }
  }
  yield* small.take();
}

/** Collects small chunks in memory that can be handed over. */
class Gathered {
  readonly #allocate: Allocate;
  #buffer: Uint8Array<ArrayBuffer> = new Uint8Array(0);
  #used = 0;

  constructor(allocate: Allocate) {
    this.#allocate = allocate;
  }

  get isFull(): boolean {
    return this.#used === this.#buffer.byteLength && this.#used > 0;
  }

  /** @returns how much of `bytes` there was room for */
  add(bytes: Uint8Array): number {
    if (this.#used === 0) this.#buffer = this.#allocate(CHUNK);
    const part = bytes.subarray(0, this.#buffer.byteLength - this.#used);
    this.#buffer.set(part, this.#used);
    this.#used += part.byteLength;
    return part.byteLength;
  }

  *take(): Generator<Uint8Array<ArrayBuffer>, void> {
    if (this.#used === 0) return;
    const bytes = this.#buffer.subarray(0, this.#used);
    this.#used = 0;
    yield bytes;
  }
}

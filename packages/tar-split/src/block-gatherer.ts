import { BLOCK_SIZE } from './block.ts';

/** Finds the blocks of a tar that is cut into chunks anywhere. A block is copied only where a chunk ends inside it. */
export class BlockGatherer {
  readonly #scratch = new Uint8Array(BLOCK_SIZE);
  #filled = 0;

  /** Whether a block has begun that is not whole. */
  get isPartial(): boolean {
    return this.#filled > 0;
  }

  /**
   * Take bytes of a chunk up to the end of a block, or of the chunk.
   *
   * @param use called with the block, if it is whole: `bytes` from `at` on, valid until it returns; `end` is where it ends in the chunk
   * @returns where the bytes end that were taken
   */
  take(chunk: Uint8Array, start: number, use: (bytes: Uint8Array, at: number, end: number) => void): number {
    if (this.#filled === 0 && chunk.length - start >= BLOCK_SIZE) {
      use(chunk, start, start + BLOCK_SIZE);
      return start + BLOCK_SIZE;
    }
    const end = Math.min(chunk.length, start + BLOCK_SIZE - this.#filled);
    this.#scratch.set(chunk.subarray(start, end), this.#filled);
    this.#filled += end - start;
    if (this.#filled === BLOCK_SIZE) {
      this.#filled = 0;
      use(this.#scratch, 0, end);
    }
    return end;
  }
}

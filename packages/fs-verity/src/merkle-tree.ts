import { BLOCK_SIZE, digestLength } from './algorithm.ts';
import type { BlockHash } from './block-hash.ts';

/** The block of a level that is being filled with digests of the level below. */
interface Level {
  readonly block: Uint8Array;
  fill: number;
}

/**
 * Root hash of a file's blocks, computed while they pass: one block of digests per level is all that is kept, and kept for the next file.
 *
 * A full block is hashed into the level above only when something follows it. So a file of one block has that block's hash as its root,
 * and levels that are exactly full get no parent that they do not need.
 */
export class MerkleTree {
  readonly #hash: BlockHash;
  readonly #digestLength: number;
  readonly #levels: Level[] = [];
  /** How many of the levels the current file has reached. The highest of them is never empty. */
  #height = 0;

  constructor(hash: BlockHash) {
    this.#hash = hash;
    this.#digestLength = digestLength(hash.algorithm);
  }

  /** Start a new file. */
  reset(): void {
    this.#height = 0;
  }

  /** Take `blockCount` whole blocks from `start` of `bytes`. */
  add(bytes: Uint8Array, start: number, blockCount: number): void {
    let done = 0;
    while (done < blockCount) {
      const level = this.#roomAt(0);
      const count = Math.min(blockCount - done, (BLOCK_SIZE - level.fill) / this.#digestLength);
      this.#hash.hashBlocks(bytes, start + done * BLOCK_SIZE, count, level.block, level.fill);
      level.fill += count * this.#digestLength;
      done += count;
    }
  }

  /** Write the root hash into `out` at `offset`: zeros for a file without blocks. The tree then wants a {@link reset}. */
  finish(out: Uint8Array, offset: number): void {
    for (let index = 0; index < this.#height; index++) {
      const { block, fill } = this.#levels[index]!;
      if (index === this.#height - 1 && fill === this.#digestLength) {
        out.set(block.subarray(0, fill), offset);
        return;
      }
      this.#raise(index);
    }
    out.fill(0, offset, offset + this.#digestLength);
  }

  /** The level at `index`, with room for one digest at least. */
  #roomAt(index: number): Level {
    const level = (this.#levels[index] ??= { block: new Uint8Array(BLOCK_SIZE), fill: 0 });
    if (index === this.#height) {
      this.#height++;
      level.fill = 0;
    } else if (level.fill === BLOCK_SIZE) {
      this.#raise(index);
    }
    return level;
  }

  /** Hash what a level holds, padded with zeros to a block, into the one above, and empty it. */
  #raise(index: number): void {
    const above = this.#roomAt(index + 1);
    const level = this.#levels[index]!;
    level.block.fill(0, level.fill);
    this.#hash.hashBlocks(level.block, 0, 1, above.block, above.fill);
    above.fill += this.#digestLength;
    level.fill = 0;
  }
}

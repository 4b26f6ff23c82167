import { u64 } from '@cfskit/binary';
import { BLOCK_SIZE, digestLength, type Algorithm } from './algorithm.ts';
import { defaultBlockHash, type BlockHash } from './block-hash.ts';
import { descriptor, emptyDescriptor } from './descriptor.ts';
import { MerkleTree } from './merkle-tree.ts';
import type { ObjectId } from './object-id.ts';

/** Options of everything here that hashes. */
export interface HashOptions {
  /** Hash function to use in place of the default, of the same algorithm. */
  readonly blockHash?: BlockHash | undefined;
}

/**
 * A running fs-verity digest of one file after another.
 *
 * Chunk boundaries do not matter, and chunks are not kept. Memory is one block per tree level and one for the data, 20 KiB at a gigabyte,
 * and is used again for the next file after {@link reset}; then a file costs no allocation but its result.
 *
 * @see {@link https://docs.kernel.org/filesystems/fsverity.html#fs-verity-descriptor}
 */
export class FsVerityHasher {
  readonly algorithm: Algorithm;
  readonly #hash: BlockHash;
  readonly #tree: MerkleTree;
  readonly #descriptor: Uint8Array;
  readonly #descriptorView: DataView;
  /** Beginning of a block whose rest has not come yet. */
  readonly #block: Uint8Array = new Uint8Array(BLOCK_SIZE);
  #fill = 0;
  #size = 0;
  #finished = false;

  /** @throws {TypeError} if the block hash is one of another algorithm */
  constructor(algorithm: Algorithm, options: HashOptions = {}) {
    this.algorithm = algorithm;
    this.#hash = options.blockHash ?? defaultBlockHash(algorithm);
    if (this.#hash.algorithm !== algorithm) throw new TypeError(`a block hash of ${this.#hash.algorithm} cannot make ${algorithm} digests`);
    this.#tree = new MerkleTree(this.#hash);
    this.#descriptor = emptyDescriptor(algorithm);
    this.#descriptorView = new DataView(this.#descriptor.buffer);
  }

  /**
   * Take the next bytes of the file; the buffer may be used again afterwards.
   *
   * @throws {TypeError} if the digest has been taken already
   */
  update(bytes: Uint8Array): void {
    if (this.#finished) throw new TypeError('the digest has been taken; reset() starts the next file');
    this.#size += bytes.byteLength;
    const start = this.#fillBlock(bytes);
    const blockCount = Math.floor((bytes.byteLength - start) / BLOCK_SIZE);
    this.#tree.add(bytes, start, blockCount);
    const end = start + blockCount * BLOCK_SIZE;
    if (end === bytes.byteLength) return;
    this.#block.set(bytes.subarray(end));
    this.#fill = bytes.byteLength - end;
  }

  /** The digest of what has come, 32 or 64 bytes, in memory of the caller. May be taken more than once. */
  digest(): Uint8Array<ArrayBuffer> {
    const out = new Uint8Array(digestLength(this.algorithm));
    this.#finish();
    this.#hash.hash(this.#descriptor, 0, this.#descriptor.byteLength, out, 0);
    return out;
  }

  /** The digest of what has come, as an object id. May be taken more than once. */
  objectId(): ObjectId {
    this.#finish();
    return this.#hash.hashHex(this.#descriptor, 0, this.#descriptor.byteLength);
  }

  /** Start the next file. */
  reset(): void {
    this.#tree.reset();
    this.#fill = 0;
    this.#size = 0;
    this.#finished = false;
  }

  /** Complete a block that was begun. Returns how much of `bytes` that took: all, if the block is still not full. */
  #fillBlock(bytes: Uint8Array): number {
    if (this.#fill === 0) return 0;
    const missing = BLOCK_SIZE - this.#fill;
    this.#block.set(bytes.byteLength > missing ? bytes.subarray(0, missing) : bytes, this.#fill);
    if (bytes.byteLength < missing) {
      this.#fill += bytes.byteLength;
      return bytes.byteLength;
    }
    this.#fill = 0;
    this.#tree.add(this.#block, 0, 1);
    return missing;
  }

  #finish(): void {
    if (this.#finished) return;
    this.#finished = true;
    if (this.#fill > 0) this.#tree.add(this.#block.fill(0, this.#fill), 0, 1);
    this.#tree.finish(this.#descriptor, descriptor.offsets.rootHash);
    u64.set(this.#descriptorView, descriptor.offsets.dataSize, this.#size);
  }
}

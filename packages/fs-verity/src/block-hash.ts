import { hash, hashHex } from '@cfskit/oci-spec';
import { BLOCK_SIZE, digestLength, type Algorithm } from './algorithm.ts';

/**
 * The hash function under the tree, so that something faster than the default can be put in: one call takes many blocks and makes no
 * object for any of them. Digests are written into memory of the caller.
 *
 * Ranges that do not lie inside their array are a `RangeError`.
 */
export interface BlockHash {
  /** Which function it is. */
  readonly algorithm: Algorithm;

  /** Hash `blockCount` consecutive blocks of 4096 bytes from `start` of `bytes`; the digests go side by side into `out` at `outOffset`. */
  hashBlocks(bytes: Uint8Array, start: number, blockCount: number, out: Uint8Array, outOffset: number): void;

  /** Hash the bytes from `start` up to `end` as one message; the digest goes into `out` at `outOffset`. */
  hash(bytes: Uint8Array, start: number, end: number, out: Uint8Array, outOffset: number): void;

  /** The same digest as lower-case hex. */
  hashHex(bytes: Uint8Array, start: number, end: number): string;
}

/** The default: node:crypto on Node, @noble/hashes elsewhere. */
export function defaultBlockHash(algorithm: Algorithm): BlockHash {
  return algorithm === 'sha256' ? SHA256 : SHA512;
}

class PlainBlockHash implements BlockHash {
  readonly algorithm: Algorithm;
  readonly #digestLength: number;

  constructor(algorithm: Algorithm) {
    this.algorithm = algorithm;
    this.#digestLength = digestLength(algorithm);
  }

  hashBlocks(bytes: Uint8Array, start: number, blockCount: number, out: Uint8Array, outOffset: number): void {
    for (let index = 0; index < blockCount; index++) {
      const at = start + index * BLOCK_SIZE;
      this.hash(bytes, at, at + BLOCK_SIZE, out, outOffset + index * this.#digestLength);
    }
  }

  hash(bytes: Uint8Array, start: number, end: number, out: Uint8Array, outOffset: number): void {
    out.set(hash(this.algorithm, view(bytes, start, end)), outOffset);
  }

  hashHex(bytes: Uint8Array, start: number, end: number): string {
    return hashHex(this.algorithm, view(bytes, start, end));
  }
}

function view(bytes: Uint8Array, start: number, end: number): Uint8Array {
  if (start >= 0 && start <= end && end <= bytes.byteLength) return bytes.subarray(start, end);
  throw new RangeError(`bytes ${start} to ${end} of an array of ${bytes.byteLength}`);
}

const SHA256 = new PlainBlockHash('sha256');
const SHA512 = new PlainBlockHash('sha512');

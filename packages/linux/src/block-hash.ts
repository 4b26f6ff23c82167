import { hash as nodeHash, randomBytes } from 'node:crypto';
import type { NativeFunction } from './koffi.ts';
import { addressOf, openLibrary, type NativeLibrary } from './library.ts';
import type { VerityAlgorithm } from './verity.ts';

/**
 * sha256 or sha512 of many blocks in one call, with no object made per block. It has the shape of fs-verity's `BlockHash`.
 * Use it in the thread that made it.
 */
export interface NativeBlockHash {
  readonly algorithm: VerityAlgorithm;

  /**
   * Hash `blockCount` consecutive blocks of 4096 bytes from `start` of `bytes`; the digests go side by side into `out` at `outOffset`.
   *
   * @throws {RangeError} if a range does not lie inside its array
   */
  hashBlocks(bytes: Uint8Array, start: number, blockCount: number, out: Uint8Array, outOffset: number): void;

  /**
   * Hash the bytes from `start` up to `end`; the digest goes into `out` at `outOffset`.
   *
   * @throws {RangeError} if a range does not lie inside its array
   */
  hash(bytes: Uint8Array, start: number, end: number, out: Uint8Array, outOffset: number): void;

  /**
   * The same digest as lower-case hex.
   *
   * @throws {RangeError} if the range does not lie inside its array
   */
  hashHex(bytes: Uint8Array, start: number, end: number): string;
}

/**
 * The hash functions of the OpenSSL that this process already has in it, called on memory addresses.
 *
 * @returns undefined without koffi, where the process exports no such functions, or where they fail a test against node:crypto
 */
export function nativeBlockHash(algorithm: VerityAlgorithm): NativeBlockHash | undefined {
  const library = openLibrary(null);
  const functions = library && bind(library, algorithm);
  const hash = functions && new OpensslHash(functions, algorithm);
  return hash !== undefined && passesTest(hash, algorithm) ? hash : undefined;
}

interface HashFunctions {
  readonly init: NativeFunction;
  readonly update: NativeFunction;
  readonly final: NativeFunction;
}

/** Addresses travel as numbers: one call costs 25 ns this way, a subarray alone 20. */
function bind(library: NativeLibrary, algorithm: VerityAlgorithm): HashFunctions | undefined {
  const name = algorithm.toUpperCase();
  const init = library.func(`int ${name}_Init(uintptr_t state)`);
  const update = library.func(`int ${name}_Update(uintptr_t state, uintptr_t data, size_t size)`);
  const final = library.func(`int ${name}_Final(uintptr_t digest, uintptr_t state)`);
  return init && update && final && { init, update, final };
}

class OpensslHash implements NativeBlockHash {
  readonly algorithm: VerityAlgorithm;
  readonly #functions: HashFunctions;
  readonly #digest: Buffer;
  /** SHA512_CTX has 216 bytes, SHA256_CTX 112; the rest is room to be wrong in. */
  readonly #state: Uint8Array = new Uint8Array(STATE_SIZE);
  readonly #digestAddress: number;
  readonly #stateAddress: number;

  constructor(functions: HashFunctions, algorithm: VerityAlgorithm) {
    this.algorithm = algorithm;
    this.#functions = functions;
    this.#digest = Buffer.allocUnsafeSlow(DIGEST_SIZE[algorithm]);
    this.#digestAddress = exactAddressOf(this.#digest);
    this.#stateAddress = exactAddressOf(this.#state);
  }

  hashBlocks(bytes: Uint8Array, start: number, blockCount: number, out: Uint8Array, outOffset: number): void {
    const size = this.#digest.byteLength;
    checkRange('blocks', bytes, start, blockCount * BLOCK_SIZE);
    checkRange('digests', out, outOffset, blockCount * size);
    if (blockCount === 0) return;
    const first = exactAddressOf(bytes) + start;
    for (let index = 0; index < blockCount; index++) {
      this.#hashAt(first + index * BLOCK_SIZE, BLOCK_SIZE);
      out.set(this.#digest, outOffset + index * size);
    }
    keepUntilHere(bytes);
  }

  hash(bytes: Uint8Array, start: number, end: number, out: Uint8Array, outOffset: number): void {
    checkRange('digest', out, outOffset, this.#digest.byteLength);
    this.#hashRange(bytes, start, end);
    out.set(this.#digest, outOffset);
  }

  hashHex(bytes: Uint8Array, start: number, end: number): string {
    this.#hashRange(bytes, start, end);
    return this.#digest.toString('hex');
  }

  #hashRange(bytes: Uint8Array, start: number, end: number): void {
    checkRange('bytes', bytes, start, end - start);
    this.#hashAt(end === start ? 0 : exactAddressOf(bytes) + start, end - start);
    keepUntilHere(bytes);
  }

  #hashAt(address: number, size: number): void {
    const { init, update, final } = this.#functions;
    init(this.#stateAddress);
    if (size > 0) update(this.#stateAddress, address, size);
    final(this.#digestAddress, this.#stateAddress);
  }
}

/** What is outside the array must never be reached: these addresses go to C. */
function checkRange(what: string, array: Uint8Array, start: number, size: number): void {
  if (Number.isSafeInteger(start) && Number.isSafeInteger(size) && start >= 0 && size >= 0 && start + size <= array.byteLength) return;
  throw new RangeError(`${what} ${start} to ${start + size} of an array of ${array.byteLength} bytes`);
}

/** Optimized code forgets an array behind its last use, and the collector may free it then: while C reads from its address. */
function keepUntilHere(bytes: Uint8Array): void {
  if (bytes.byteLength < 0) throw new RangeError('unreachable');
}

function exactAddressOf(bytes: Uint8Array): number {
  const address = addressOf(bytes);
  if (address === undefined) throw new TypeError('addresses need koffi');
  return address;
}

/** Three blocks at an odd offset and a short message, against node:crypto. */
function passesTest(hash: NativeBlockHash, algorithm: VerityAlgorithm): boolean {
  const size = DIGEST_SIZE[algorithm];
  const input = new Uint8Array(randomBytes(3 * BLOCK_SIZE + 1));
  const digests = new Uint8Array(4 * size);
  hash.hashBlocks(input, 1, 3, digests, 0);
  hash.hash(input, 1, 257, digests, 3 * size);
  const messages = [0, 1, 2].map((index) => input.subarray(1 + index * BLOCK_SIZE, 1 + (index + 1) * BLOCK_SIZE));
  return [...messages, input.subarray(1, 257)].every((message, index) =>
    nodeHash(algorithm, message, 'buffer').equals(digests.subarray(index * size, (index + 1) * size)),
  );
}

const BLOCK_SIZE = 4096;
const STATE_SIZE = 1024;
const DIGEST_SIZE = { sha256: 32, sha512: 64 } as const;

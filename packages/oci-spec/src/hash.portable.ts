import { sha256, sha384, sha512 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import type { Hash, HashAlgorithm } from './hash.ts';

const functions = { sha256, sha384, sha512 } as const;

class PortableHash implements Hash {
  readonly #hash: ReturnType<(typeof functions)[HashAlgorithm]['create']>;

  constructor(algorithm: HashAlgorithm) {
    this.#hash = functions[algorithm].create();
  }

  update(bytes: Uint8Array): void {
    this.#hash.update(bytes);
  }

  digest(): Uint8Array<ArrayBuffer> {
    return this.#hash.digest();
  }

  digestHex(): string {
    return bytesToHex(this.#hash.digest());
  }
}

/** Start a hash: node:crypto on Node, @noble/hashes elsewhere. */
export function createHash(algorithm: HashAlgorithm): Hash {
  return new PortableHash(algorithm);
}

/** Hash of `bytes` at one go. The result belongs to the caller. */
export function hash(algorithm: HashAlgorithm, bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return functions[algorithm](bytes);
}

/** The same as lower-case hex digits. */
export function hashHex(algorithm: HashAlgorithm, bytes: Uint8Array): string {
  return bytesToHex(functions[algorithm](bytes));
}

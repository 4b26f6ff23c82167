// The one file of the formats and vocabulary that imports node:*, chosen by the condition "node" of #hash.
// oxlint-disable-next-line no-restricted-imports
import { createHash as createNodeHash, hash as hashOnce, type Hash as NodeHash } from 'node:crypto';
import type { Hash, HashAlgorithm } from './hash.ts';

class NativeHash implements Hash {
  readonly #hash: NodeHash;

  constructor(algorithm: HashAlgorithm) {
    this.#hash = createNodeHash(algorithm);
  }

  update(bytes: Uint8Array): void {
    this.#hash.update(bytes);
  }

  digest(): Uint8Array<ArrayBuffer> {
    return plain(this.#hash.digest());
  }

  digestHex(): string {
    return this.#hash.digest('hex');
  }
}

/** Start a hash: node:crypto on Node, @noble/hashes elsewhere. */
export function createHash(algorithm: HashAlgorithm): Hash {
  return new NativeHash(algorithm);
}

/** Hash of `bytes` at one go, which saves about a seventh of the time for 4 KiB. The result belongs to the caller. */
export function hash(algorithm: HashAlgorithm, bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return plain(hashOnce(algorithm, bytes, 'buffer'));
}

/** The same as lower-case hex digits, which is cheaper still. */
export function hashHex(algorithm: HashAlgorithm, bytes: Uint8Array): string {
  return hashOnce(algorithm, bytes, 'hex');
}

// A Buffer is a Uint8Array with other `slice` and `toString`: callers elsewhere never see one.
function plain(buffer: Buffer): Uint8Array<ArrayBuffer> {
  return new Uint8Array(buffer.buffer as ArrayBuffer, buffer.byteOffset, buffer.byteLength);
}

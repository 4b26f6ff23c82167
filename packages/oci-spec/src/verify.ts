import { createHash } from '#hash';
import { digestAlgorithm } from './digest.ts';
import type { Hash, HashAlgorithm } from './hash.ts';

/** Why content is not what it was announced to be. */
export type VerifyErrorCode = 'SIZE_MISMATCH' | 'DIGEST_MISMATCH';

/**
 * Content differs from what its name promised. `expected` and `actual` are sizes in bytes or digests, by `code`; both are in the message.
 *
 * Content that is too long is not read to its end: `actual` is then the number of bytes seen so far.
 */
export class VerifyError extends Error {
  static {
    this.prototype.name = 'VerifyError';
  }
  readonly code: VerifyErrorCode;
  /** The digest that the content was to have, also when its size is wrong. */
  readonly digest: string;
  readonly expected: string | number;
  readonly actual: string | number;

  constructor(code: VerifyErrorCode, digest: string, expected: string | number, actual: string | number, message: string) {
    super(message);
    this.code = code;
    this.digest = digest;
    this.expected = expected;
    this.actual = actual;
  }
}

/** What content has to be: a descriptor, or just a digest where the size is not known, as for a diff_id. */
export interface Expected {
  readonly digest: string;
  readonly size?: number;
}

/** Checks content that is pushed through it against a digest and a size, synchronously. Keeps no chunk. */
export class BlobVerifier {
  readonly #expected: Expected;
  readonly #algorithm: HashAlgorithm;
  readonly #hash: Hash;
  #size = 0;

  /** @throws {OciSpecError} INVALID_DIGEST, UNKNOWN_ALGORITHM */
  constructor(expected: Expected) {
    this.#expected = expected;
    this.#algorithm = digestAlgorithm(expected.digest);
    this.#hash = createHash(this.#algorithm);
  }

  /** Bytes so far. */
  get size(): number {
    return this.#size;
  }

  /** @throws {VerifyError} SIZE_MISMATCH as soon as there are too many bytes */
  update(chunk: Uint8Array): void {
    this.#size += chunk.byteLength;
    const { digest, size } = this.#expected;
    if (size !== undefined && this.#size > size) throw sizeMismatch(digest, size, this.#size, 'at least ');
    this.#hash.update(chunk);
  }

  /**
   * To be called once, after the last chunk.
   *
   * @throws {VerifyError} SIZE_MISMATCH, DIGEST_MISMATCH
   */
  finish(): void {
    const { digest, size } = this.#expected;
    if (size !== undefined && this.#size !== size) throw sizeMismatch(digest, size, this.#size, '');
    const actual = `${this.#algorithm}:${this.#hash.digestHex()}`;
    if (actual === digest) return;
    throw new VerifyError('DIGEST_MISMATCH', digest, digest, actual, `digest mismatch: wanted ${digest}, found ${actual}`);
  }
}

/**
 * Pass `source` through unchanged and throw if it is not exactly the content that `expected` names.
 *
 * The verdict comes only at the end: what was read may be used under a temporary name, and gets its own after the loop. Leaving the
 * loop early gives no verdict.
 *
 * @throws {VerifyError} SIZE_MISMATCH, DIGEST_MISMATCH
 * @throws {OciSpecError} INVALID_DIGEST, UNKNOWN_ALGORITHM
 */
export async function* verified(source: AsyncIterable<Uint8Array>, expected: Expected): AsyncGenerator<Uint8Array, void> {
  const verifier = new BlobVerifier(expected);
  for await (const chunk of source) {
    verifier.update(chunk);
    yield chunk;
  }
  verifier.finish();
}

function sizeMismatch(digest: string, expected: number, actual: number, atLeast: string): VerifyError {
  const message = `size mismatch: wanted ${expected} bytes of ${digest}, found ${atLeast}${actual}`;
  return new VerifyError('SIZE_MISMATCH', digest, expected, actual, message);
}

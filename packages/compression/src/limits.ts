import { CompressionError } from './errors.ts';

/**
 * How much a decoder may put out. Memory is flat whatever the input says; these bound time and what a consumer stores.
 *
 * Deflate cannot grow data more than 1032-fold, zstd about 32768-fold.
 */
export interface DecodeLimits {
  /** Bytes in all; 1 TiB if not given. */
  readonly maxOutput?: number;
  /** Bytes put out for each byte taken in; 500 if not given, about half of what deflate can reach with nothing but zeros. */
  readonly maxRatio?: number;
  /** Output up to this many bytes is fine at any ratio; 1 GiB if not given, or 1 MiB where `maxRatio` is. */
  readonly ratioFloor?: number;
}

/** The limits of a stream without any. */
export const UNLIMITED: DecodeLimits = { maxOutput: Infinity, maxRatio: Infinity };

/** Throws as soon as the output is more than the limits allow. */
export class OutputGuard {
  readonly #maxOutput: number;
  readonly #maxRatio: number;
  readonly #ratioFloor: number;

  constructor({ maxOutput = 2 ** 40, maxRatio, ratioFloor }: DecodeLimits = {}) {
    this.#maxOutput = maxOutput;
    this.#maxRatio = maxRatio ?? 500;
    this.#ratioFloor = ratioFloor ?? (maxRatio === undefined ? 2 ** 30 : 2 ** 20);
  }

  /** @throws {CompressionError} OUTPUT_LIMIT, RATIO_LIMIT */
  check(output: number, input: number): void {
    if (output > this.#maxOutput) {
      throw new CompressionError('OUTPUT_LIMIT', `the data decompresses to more than the ${this.#maxOutput} bytes that are allowed`);
    }
    if (output > this.#ratioFloor && output > input * this.#maxRatio) {
      const found = `${input} bytes have become ${output} so far`;
      throw new CompressionError('RATIO_LIMIT', `the data decompresses to more than ${this.#maxRatio} times its size: ${found}`);
    }
  }
}

/** Why a decoder of this package gave up: the input ended early, or it holds a value that has no meaning here. */
export type DecodeErrorCode = 'TRUNCATED' | 'OUT_OF_RANGE';

/** Input from outside that cannot be decoded. `offset` is where in the input, in bytes (for text: in characters). */
export class DecodeError extends Error {
  static {
    this.prototype.name = 'DecodeError';
  }
  readonly code: DecodeErrorCode;
  readonly offset: number;

  constructor(code: DecodeErrorCode, offset: number, message: string, options?: ErrorOptions) {
    super(`${message} at offset ${offset}`, options);
    this.code = code;
    this.offset = offset;
  }
}

/**
 * Why compressed data was refused.
 *
 * - `BAD_MAGIC`: the data is not of the format that was asked for
 * - `TRUNCATED`: it ends inside a member or frame, or is empty
 * - `CORRUPT`: it breaks the rules of its format
 * - `BAD_CHECKSUM`: it decodes, but not to what its CRC-32 or length field says
 * - `TRAILING_DATA`: something other than a further member or frame follows the last one
 * - `UNSUPPORTED`: it needs a dictionary, or a window of more than 128 MiB
 * - `OUTPUT_LIMIT`, `RATIO_LIMIT`: it decodes to more than the limits allow
 * - `BACKEND_UNAVAILABLE`: this machine lacks the decoder or encoder that was asked for
 * - `BACKEND_FAILED`: the library behind gave up for a reason of its own, such as memory
 */
export type CompressionErrorCode =
  | 'BAD_MAGIC'
  | 'TRUNCATED'
  | 'CORRUPT'
  | 'BAD_CHECKSUM'
  | 'TRAILING_DATA'
  | 'UNSUPPORTED'
  | 'OUTPUT_LIMIT'
  | 'RATIO_LIMIT'
  | 'BACKEND_UNAVAILABLE'
  | 'BACKEND_FAILED';

/** Compressed data could not be decoded. `offset` is about where in the compressed bytes it was noticed, where that is known. */
export class CompressionError extends Error {
  static {
    this.prototype.name = 'CompressionError';
  }
  readonly code: CompressionErrorCode;
  readonly offset: number | undefined;

  constructor(code: CompressionErrorCode, message: string, options?: ErrorOptions & { readonly offset?: number }) {
    super(options?.offset === undefined ? message : `${message} at offset ${options.offset}`, options);
    this.code = code;
    this.offset = options?.offset;
  }
}

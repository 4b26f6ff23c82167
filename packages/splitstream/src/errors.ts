/**
 * Why a splitstream was refused.
 *
 * Opening: `BAD_MAGIC` (no splitstream), `UNSUPPORTED_GENERATION` (one of 0.3.0 or before), `TRUNCATED_HEADER`, `UNSUPPORTED_VERSION`,
 * `ALGORITHM_MISMATCH`, `UNSUPPORTED_BLOCK_SIZE`, `NEGATIVE_RANGE`, `OVERSIZED_SECTION`, `INCOMPLETE_READ` (a section reaches beyond the
 * file), `BAD_INFO`, `CONTENT_TYPE_MISMATCH`, `BAD_STREAM_REFS`, `BAD_OBJECT_REFS`, `BAD_NAMED_REFS`.
 *
 * Reading chunks: `UNEXPECTED_EOF`, `CORRUPT_STREAM` (zstd), `BAD_REFERENCE`, `INLINE_TOO_LARGE`, `STREAM_TOO_LONG` (more than its
 * stream size), `UNEXPECTED_EXTERNAL`.
 *
 * Writing: `INVALID_NAME`.
 */
export type SplitstreamErrorCode =
  | 'BAD_MAGIC'
  | 'UNSUPPORTED_GENERATION'
  | 'TRUNCATED_HEADER'
  | 'UNSUPPORTED_VERSION'
  | 'ALGORITHM_MISMATCH'
  | 'UNSUPPORTED_BLOCK_SIZE'
  | 'NEGATIVE_RANGE'
  | 'OVERSIZED_SECTION'
  | 'INCOMPLETE_READ'
  | 'BAD_INFO'
  | 'CONTENT_TYPE_MISMATCH'
  | 'BAD_STREAM_REFS'
  | 'BAD_OBJECT_REFS'
  | 'BAD_NAMED_REFS'
  | 'UNEXPECTED_EOF'
  | 'CORRUPT_STREAM'
  | 'BAD_REFERENCE'
  | 'INLINE_TOO_LARGE'
  | 'STREAM_TOO_LONG'
  | 'UNEXPECTED_EXTERNAL'
  | 'INVALID_NAME';

/** A splitstream cannot be read, or not be written as asked. Messages are those of composefs-rs where it has one. */
export class SplitstreamError extends Error {
  static {
    this.prototype.name = 'SplitstreamError';
  }
  readonly code: SplitstreamErrorCode;

  constructor(code: SplitstreamErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

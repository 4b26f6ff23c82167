/**
 * Why a tar was not split, or its entries were not listed.
 *
 * - while splitting or listing: `TRUNCATED`, `CHECKSUM_MISMATCH`, `INVALID_FIELD`, `INVALID_SIZE`, `INVALID_PAX`, `INVALID_PAX_VALUE`,
 *   `DUPLICATE_METADATA`, `METADATA_LIMIT`, `ORPHANED_METADATA`, `EMPTY_PATH`, `SPARSE`, `LIMIT`
 * - only while listing: `UNSUPPORTED_TYPE`, `NO_DEVICE_NUMBERS`, `WRONG_PLACEMENT`, `UNEXPECTED_EXTERNAL`, `SHORT_INLINE`
 * - only while rebuilding: `SIZE_MISMATCH`
 */
export type TarSplitErrorCode =
  | 'TRUNCATED'
  | 'CHECKSUM_MISMATCH'
  | 'INVALID_FIELD'
  | 'INVALID_SIZE'
  | 'INVALID_PAX'
  | 'INVALID_PAX_VALUE'
  | 'DUPLICATE_METADATA'
  | 'METADATA_LIMIT'
  | 'ORPHANED_METADATA'
  | 'EMPTY_PATH'
  | 'SPARSE'
  | 'LIMIT'
  | 'UNSUPPORTED_TYPE'
  | 'NO_DEVICE_NUMBERS'
  | 'WRONG_PLACEMENT'
  | 'UNEXPECTED_EXTERNAL'
  | 'SHORT_INLINE'
  | 'SIZE_MISMATCH';

/** A tar, or the chunks of one, that cannot be used. `offset` is where in the uncompressed tar, in bytes. */
export class TarSplitError extends Error {
  static {
    this.prototype.name = 'TarSplitError';
  }
  readonly code: TarSplitErrorCode;
  readonly offset: number;

  constructor(code: TarSplitErrorCode, offset: number, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.offset = offset;
  }
}

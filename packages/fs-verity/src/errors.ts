/**
 * Why a text is no algorithm name (`MISSING_PREFIX`, `MISSING_SEPARATOR`, `INVALID_BLOCK_SIZE`, `UNSUPPORTED_BLOCK_SIZE`, `UNKNOWN_HASH`)
 * or no object id (`ODD_LENGTH`, `INVALID_STRING_LENGTH`, `INVALID_HEX_CHARACTER`, `WRONG_ALGORITHM`).
 */
export type FsVerityErrorCode =
  | 'MISSING_PREFIX'
  | 'MISSING_SEPARATOR'
  | 'INVALID_BLOCK_SIZE'
  | 'UNSUPPORTED_BLOCK_SIZE'
  | 'UNKNOWN_HASH'
  | 'ODD_LENGTH'
  | 'INVALID_STRING_LENGTH'
  | 'INVALID_HEX_CHARACTER'
  | 'WRONG_ALGORITHM';

/** A name of an algorithm or an object that is not one. */
export class FsVerityError extends Error {
  static {
    this.prototype.name = 'FsVerityError';
  }
  readonly code: FsVerityErrorCode;
  /** For INVALID_HEX_CHARACTER, which character it is: counted from the start of the id, of the directory name or of the file name. */
  readonly offset: number | undefined;

  constructor(code: FsVerityErrorCode, message: string, offset?: number) {
    super(message);
    this.code = code;
    this.offset = offset;
  }
}

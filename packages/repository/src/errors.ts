/** What went wrong. Match on this, never on the message. */
export type RepositoryErrorCode =
  | 'ALGORITHM_MISMATCH'
  | 'CLOSED'
  | 'CONFLICTING_CONFIGURATION'
  | 'CORRUPT_OBJECT'
  | 'DANGLING_REF'
  | 'INVALID_IMAGE'
  | 'INVALID_LINK'
  | 'INVALID_METADATA'
  | 'INVALID_NAME'
  | 'INVALID_OBJECT_NAME'
  | 'INVALID_STREAM'
  | 'LOCK_TIMEOUT'
  | 'METADATA_MISSING'
  | 'NOT_FOUND'
  | 'NO_IMAGE_READER'
  | 'NO_OBJECTS'
  | 'OLD_FORMAT'
  | 'READ_ONLY'
  | 'SIZE_MISMATCH'
  | 'TOO_LARGE'
  | 'UNEXPECTED_FILE_TYPE'
  | 'UNKNOWN_FEATURES'
  | 'UNLOCKED'
  | 'UNSUPPORTED_VERSION'
  | 'VERITY_MISSING'
  | 'VERITY_REQUIRED'
  | 'VERITY_UNSUPPORTED'
  | 'ZERO_COPY_IMPOSSIBLE';

/**
 * A repository operation failed.
 *
 * `path` is what it was about: relative to the repository's root, or the root itself where the whole repository is meant.
 * The message says what was wanted and what was found.
 */
export class RepositoryError extends Error {
  static {
    this.prototype.name = 'RepositoryError';
  }
  readonly code: RepositoryErrorCode;
  readonly path: string;

  constructor(code: RepositoryErrorCode, path: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.path = path;
  }
}

/** Whether `error` is an error with one of these codes, Node's own or of one of our packages. */
export function hasCode(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && codes.includes(error.code);
}

/** The text of anything thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/**
 * What is wrong with a layout directory or a file in it.
 *
 * - `NOT_A_LAYOUT`: the directory cannot be opened, or has no `blobs`
 * - `LAYOUT_VERSION`: `oci-layout` is missing or names another version, and the caller wanted that to be an error
 * - `NO_INDEX`, `INVALID_INDEX`: `index.json` is missing, or is not what the specification says
 * - `BLOB_NOT_FOUND`, `UNSUPPORTED_DIGEST`: there is no file for a digest, or there can be none
 * - `NOT_A_FILE`: a directory, FIFO, device or socket where a file should be
 * - `OUTSIDE_LAYOUT`: a symbolic link leads out of the directory
 * - `SIZE_MISMATCH`: a blob's file is shorter or longer than its descriptor says
 * - `TOO_LARGE`: a JSON file is longer than any that is read
 */
export type OciDirErrorCode =
  | 'NOT_A_LAYOUT'
  | 'LAYOUT_VERSION'
  | 'NO_INDEX'
  | 'INVALID_INDEX'
  | 'BLOB_NOT_FOUND'
  | 'UNSUPPORTED_DIGEST'
  | 'NOT_A_FILE'
  | 'OUTSIDE_LAYOUT'
  | 'SIZE_MISMATCH'
  | 'TOO_LARGE';

/** What an {@link OciDirError} is about. */
export interface OciDirErrorPlace extends ErrorOptions {
  readonly digest?: string;
}

/** A layout directory is not as it should be. `path` is the directory, or the file in it that the error is about. */
export class OciDirError extends Error {
  static {
    this.prototype.name = 'OciDirError';
  }
  readonly code: OciDirErrorCode;
  readonly path: string;
  /** The blob concerned, if it is about one. */
  readonly digest: string | undefined;

  constructor(code: OciDirErrorCode, path: string, message: string, place: OciDirErrorPlace = {}) {
    super(message, 'cause' in place ? { cause: place.cause } : undefined);
    this.code = code;
    this.path = path;
    this.digest = place.digest;
  }
}

/** Whether a Node error has this code, such as `ENOENT`. */
export function hasCode(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof Error && 'code' in error && codes.includes(error.code as string);
}

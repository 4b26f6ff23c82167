/**
 * What is wrong with a layout, an archive or a file in it.
 *
 * - `NOT_A_LAYOUT`: the directory or archive cannot be opened, or is of another kind
 * - `LAYOUT_VERSION`: `oci-layout` or `version` is missing or names another version, and the caller wanted that to be an error
 * - `NO_INDEX`, `INVALID_INDEX`: the file that lists what is there is missing, or is not what its specification says: `index.json`, in
 *   docker-save archives and directories of skopeo `manifest.json`
 * - `AMBIGUOUS`: several images, and nothing says which one is meant
 * - `BLOB_NOT_FOUND`, `UNSUPPORTED_DIGEST`: there is no file for a digest, or there can be none
 * - `FOREIGN_LAYER`: a layer that is kept elsewhere, and is not here
 * - `NOT_A_FILE`: a directory, FIFO, device or socket where a file should be
 * - `OUTSIDE_LAYOUT`: a symbolic link leads out of the directory
 * - `SIZE_MISMATCH`: a blob's file is shorter or longer than its descriptor says
 * - `TOO_LARGE`: a JSON file is longer than any that is read
 * - `INVALID_ARCHIVE`, `TRUNCATED_ARCHIVE`: a header of the tar is broken or ambiguous; an entry reaches beyond the end of the file
 * - `UNSUPPORTED_ENTRY`: the bytes of a file in the tar cannot be read in place, because it is sparse
 * - `ARCHIVE_LIMIT`: the tar has more entries than are read
 * - `EXISTS`: what is to be written is there already, and is of another kind
 */
export type OciDirErrorCode =
  | 'NOT_A_LAYOUT'
  | 'LAYOUT_VERSION'
  | 'NO_INDEX'
  | 'INVALID_INDEX'
  | 'AMBIGUOUS'
  | 'BLOB_NOT_FOUND'
  | 'UNSUPPORTED_DIGEST'
  | 'FOREIGN_LAYER'
  | 'NOT_A_FILE'
  | 'OUTSIDE_LAYOUT'
  | 'SIZE_MISMATCH'
  | 'TOO_LARGE'
  | 'INVALID_ARCHIVE'
  | 'TRUNCATED_ARCHIVE'
  | 'UNSUPPORTED_ENTRY'
  | 'ARCHIVE_LIMIT'
  | 'EXISTS';

/** What an {@link OciDirError} is about. */
export interface OciDirErrorPlace extends ErrorOptions {
  readonly digest?: string;
  /** Position in an archive, in bytes of the uncompressed tar. */
  readonly offset?: number;
}

/** A layout or archive is not as it should be. `path` is where it is, or the file in it that the error is about. */
export class OciDirError extends Error {
  static {
    this.prototype.name = 'OciDirError';
  }
  readonly code: OciDirErrorCode;
  readonly path: string;
  /** The blob concerned, if it is about one. */
  readonly digest: string | undefined;
  /** Position in the tar, if it is about an archive. */
  readonly offset: number | undefined;

  constructor(code: OciDirErrorCode, path: string, message: string, place: OciDirErrorPlace = {}) {
    super(message, 'cause' in place ? { cause: place.cause } : undefined);
    this.code = code;
    this.path = path;
    this.digest = place.digest;
    this.offset = place.offset;
  }
}

/** Whether a Node error has this code, such as `ENOENT`. */
export function hasCode(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof Error && 'code' in error && codes.includes(error.code as string);
}

/**
 * What is wrong with a storage of containers.
 *
 * - `NO_STORE`: none of the places where a store may be holds one
 * - `UNSUPPORTED_DRIVER`: a store of another driver than overlay and vfs
 * - `NOT_READABLE`: something belongs to somebody else, and is not to be read by this process
 * - `IMAGE_NOT_FOUND`: no store has the image
 * - `INVALID_STORE`: a document of the store is not what it should be
 * - `TOO_LARGE`: a document, or a line of one, is longer than any that is read
 * - `MISSING_DATA`: the store lists a document that is not there
 * - `LAYER_MISMATCH`: other layers than the config of the image names
 * - `INVALID_TAR_SPLIT`: the headers of a layer are missing or damaged
 * - `UNSAFE_PATH`: a name in a layer leads out of it, or is longer than names can be
 * - `FILE_CHANGED`: a file of a layer is gone, or is not what it was
 * - `BLOB_NOT_FOUND`: the image has no such manifest, config or layer here
 */
export type ContainersStorageErrorCode =
  | 'NO_STORE'
  | 'UNSUPPORTED_DRIVER'
  | 'NOT_READABLE'
  | 'IMAGE_NOT_FOUND'
  | 'INVALID_STORE'
  | 'TOO_LARGE'
  | 'MISSING_DATA'
  | 'LAYER_MISMATCH'
  | 'INVALID_TAR_SPLIT'
  | 'UNSAFE_PATH'
  | 'FILE_CHANGED'
  | 'BLOB_NOT_FOUND';

/** A storage of containers is not as it should be. `path` is the file or directory, or the reference of the image. */
export class ContainersStorageError extends Error {
  static {
    this.prototype.name = 'ContainersStorageError';
  }
  readonly code: ContainersStorageErrorCode;
  readonly path: string;

  constructor(code: ContainersStorageErrorCode, path: string, message: string, options?: ErrorOptions) {
    super(`${message}: ${path}`, options);
    this.code = code;
    this.path = path;
  }
}

/** Whether a system error has one of these codes, such as `ENOENT`. */
export function hasCode(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof Error && 'code' in error && codes.includes(error.code as string);
}

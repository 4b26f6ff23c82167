import { escapeBytes, type ByteString } from '@cfskit/fs-tree';

/**
 * Why an image could not be read, or a tree not be written.
 *
 * - the file as a whole: `NOT_AN_IMAGE` (a magic number is another), `UNSUPPORTED` (a version or feature that composefs images do not have),
 *   `TRUNCATED` (shorter or longer than it says), `TOO_LARGE` (a bound that the caller can set)
 * - places in it: `OUT_OF_BOUNDS` (leads out of the image), `OVERLAP` (structures that share bytes), `INVALID_INODE`, `INVALID_DIRECTORY`,
 *   `INVALID_XATTR`, `INVALID_DIGEST` (the expected digest of an object)
 * - the tree in it: `LINK_COUNT`, `DIRECTORY_LOOP`, `TOO_DEEP`, `WRONG_EPOCH` (not as images of its format version are)
 * - looking up a path in an image: `NOT_FOUND`, `NOT_A_DIRECTORY`
 * - writing: `UNWRITABLE` (the tree holds what no image of that format version can hold)
 */
export type ErofsErrorCode =
  | 'NOT_AN_IMAGE'
  | 'UNSUPPORTED'
  | 'TRUNCATED'
  | 'TOO_LARGE'
  | 'OUT_OF_BOUNDS'
  | 'OVERLAP'
  | 'INVALID_INODE'
  | 'INVALID_DIRECTORY'
  | 'INVALID_XATTR'
  | 'INVALID_DIGEST'
  | 'LINK_COUNT'
  | 'DIRECTORY_LOOP'
  | 'TOO_DEEP'
  | 'WRONG_EPOCH'
  | 'NOT_FOUND'
  | 'NOT_A_DIRECTORY'
  | 'UNWRITABLE';

/** Where the trouble is. */
export interface ErofsErrorPlace extends ErrorOptions {
  readonly offset?: number | undefined;
  readonly path?: ByteString | undefined;
}

/**
 * An image that is none, or a tree that cannot become one. `offset` is a place in the image, in bytes; `path` one in the tree, one character
 * per byte.
 */
export class ErofsError extends Error {
  static {
    this.prototype.name = 'ErofsError';
  }
  readonly code: ErofsErrorCode;
  readonly offset: number | undefined;
  readonly path: ByteString | undefined;

  constructor(code: ErofsErrorCode, message: string, { offset, path, ...options }: ErofsErrorPlace = {}) {
    const at = offset === undefined ? '' : ` at offset ${offset}`;
    const of = path === undefined ? '' : `: ${escapeBytes(path)}`;
    super(message + at + of, options);
    this.code = code;
    this.offset = offset;
    this.path = path;
  }
}

import { escapeBytes, type ByteString } from './escape.ts';

/**
 * Why a tree could not be built, changed or written.
 *
 * - names and lookups: `INVALID_NAME`, `INVALID_PATH`, `NOT_FOUND`, `NOT_A_DIRECTORY`, `IS_A_DIRECTORY`, `SYMLINK_LOOP`
 * - entries and nodes that no image can hold: `INVALID_TARGET`, `INVALID_DEVICE`, `INVALID_XATTR`, `INVALID_SIZE`, `LINKED_WHITEOUT`
 * - dumpfiles only: `INVALID_DUMP`; the message says which field, `line` where
 * - `UNKNOWN_XATTR_MODE`: the text names none
 * - `LIMIT`: a bound that the caller can set was passed
 */
export type FsTreeErrorCode =
  | 'INVALID_NAME'
  | 'INVALID_PATH'
  | 'NOT_FOUND'
  | 'NOT_A_DIRECTORY'
  | 'IS_A_DIRECTORY'
  | 'SYMLINK_LOOP'
  | 'INVALID_TARGET'
  | 'INVALID_DEVICE'
  | 'INVALID_XATTR'
  | 'INVALID_SIZE'
  | 'LINKED_WHITEOUT'
  | 'INVALID_DUMP'
  | 'UNKNOWN_XATTR_MODE'
  | 'LIMIT';

/** A tree, a layer or a dumpfile that cannot be used. `path` is the entry concerned, one character per byte. */
export class FsTreeError extends Error {
  static {
    this.prototype.name = 'FsTreeError';
  }
  readonly code: FsTreeErrorCode;
  readonly path: ByteString;
  /** What is wrong, without the place. */
  readonly reason: string;
  /** Of a dumpfile, counted from 1. */
  readonly line: number | undefined;

  constructor(code: FsTreeErrorCode, path: ByteString, reason: string, options: ErrorOptions & { line?: number | undefined } = {}) {
    const { line, ...rest } = options;
    super((line === undefined ? '' : `line ${line}: `) + reason + (path === '' ? '' : `: ${escapeBytes(path)}`), rest);
    this.code = code;
    this.path = path;
    this.reason = reason;
    this.line = line;
  }
}

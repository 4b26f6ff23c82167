import { escapeBytes, type ByteString } from '@cfskit/fs-tree';

/**
 * Why a directory could not be scanned.
 *
 * - `NOT_A_DIRECTORY`: what was to be scanned is something else, or a symbolic link
 * - `CHANGED`: a file or directory changed while it was read
 * - `UNREADABLE`: the system refused something; `cause` says what
 * - `UNSUPPORTED`: extended attributes cannot be read here; a file of a type that Linux does not have
 * - `TOO_DEEP`: directories nest deeper than images can hold
 * - `STORE_FAILED`: the content store refused a content; `cause` has its `code`
 */
export type FsScanErrorCode = 'NOT_A_DIRECTORY' | 'CHANGED' | 'UNREADABLE' | 'UNSUPPORTED' | 'TOO_DEEP' | 'STORE_FAILED';

/** A scan that could not be finished. `path` is the entry concerned, from the scanned directory as root, one character per byte. */
export class FsScanError extends Error {
  static {
    this.prototype.name = 'FsScanError';
  }
  readonly code: FsScanErrorCode;
  readonly path: ByteString;
  /** What is wrong, without the place. */
  readonly reason: string;

  constructor(code: FsScanErrorCode, path: ByteString, reason: string, options?: ErrorOptions) {
    super(`${reason}: ${escapeBytes(path)}`, options);
    this.code = code;
    this.path = path;
    this.reason = reason;
  }
}

/** The error for something that is not any more what it was a moment ago. */
export function changed(path: ByteString, reason: string, cause?: unknown): FsScanError {
  return new FsScanError('CHANGED', path, reason, cause === undefined ? undefined : { cause });
}

/**
 * Make a system call for an entry that was there a moment ago.
 *
 * @param gone codes that say that it is gone
 * @throws {FsScanError} CHANGED if it is gone or of another type now; UNREADABLE for other system errors
 */
export function reading<T>(path: ByteString, read: () => T, gone: ReadonlySet<string> = GONE): T {
  try {
    return read();
  } catch (error) {
    const code = codeOf(error);
    if (code === undefined) throw error;
    if (gone.has(code)) throw changed(path, 'replaced or removed while it was scanned', error);
    throw new FsScanError('UNREADABLE', path, `cannot be read (${code})`, { cause: error });
  }
}

/** The code of a system error. Errors of this package are no such errors. */
function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || error instanceof FsScanError || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/** What opening by name answers when the name is gone, or has become a link, or not a directory any more. */
const GONE: ReadonlySet<string> = new Set(['ENOENT', 'ELOOP', 'ENOTDIR', 'ENXIO', 'ESTALE']);

/** The same for readlink, which answers EINVAL when the name is no symbolic link any more. */
export const GONE_LINK: ReadonlySet<string> = new Set([...GONE, 'EINVAL']);

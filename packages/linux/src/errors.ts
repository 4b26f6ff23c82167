import { errnoName, type ErrnoName } from './errno.ts';

/**
 * An errno name, spelled as Node spells it (95 is ENOTSUP, 11 is EAGAIN), or
 *
 * - `UNSUPPORTED`: nothing on this machine can do it, neither a native call nor a helper program;
 * - `HELPER_FAILED`: the helper program that stands in for a call ended with an error;
 * - `UNKNOWN_ALGORITHM`: the kernel reports an fs-verity hash algorithm that composefs does not use;
 * - `INVALID_NAME`: a name that no directory entry can have, or that would lead out of its directory.
 */
export type LinuxErrorCode = ErrnoName | 'UNSUPPORTED' | 'HELPER_FAILED' | 'UNKNOWN_ALGORITHM' | 'INVALID_NAME';

/** What is known about a failed call besides its name. */
export interface LinuxErrorDetails extends ErrorOptions {
  /** Positive errno of the call, where there is one. */
  readonly errno?: number | undefined;
  readonly path?: string | undefined;
}

/** A system call, or the program that stands in for it, failed. Has the members of Node's own system errors: `errno` is negative. */
export class LinuxError extends Error {
  static {
    this.prototype.name = 'LinuxError';
  }
  readonly code: LinuxErrorCode;
  readonly syscall: string;
  readonly errno: number | undefined;
  readonly path: string | undefined;

  constructor(code: LinuxErrorCode, syscall: string, message: string, details: LinuxErrorDetails = {}) {
    const where = details.path === undefined ? '' : ` '${details.path}'`;
    super(`${code}: ${message}, ${syscall}${where}`, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.syscall = syscall;
    this.errno = details.errno === undefined ? undefined : -details.errno;
    this.path = details.path;
  }
}

/** The error for a system call that set errno. */
export function systemError(syscall: string, errno: number, path?: string): LinuxError {
  const { name, text } = errnoName(errno);
  return new LinuxError(name, syscall, text, { errno, path });
}

/**
 * Make a call of node:fs that stands in for a system call.
 *
 * @returns the errno of its failure, 0 if there was none
 */
export function errnoOf(makeCall: () => void): number {
  try {
    makeCall();
    return 0;
  } catch (error) {
    if (error instanceof Error && 'errno' in error && typeof error.errno === 'number') return -error.errno;
    throw error;
  }
}

/** Whether `error` is a system error, Node's or ours, with one of these codes. */
export function hasCode(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && codes.includes(error.code);
}

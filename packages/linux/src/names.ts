import { LinuxError, systemError } from './errors.ts';

/** A path as node:fs takes it: text, which becomes UTF-8, or bytes as they are. */
export type PathLike = string | Uint8Array;

/**
 * Path of an entry of an open directory, for calls that know no directories: it goes through the descriptor, so what happens to the
 * directory's own path meanwhile does not matter. `/proc` has to be mounted. The entry itself may be a symbolic link.
 *
 * @throws {LinuxError} INVALID_NAME
 */
export function entryPath(directory: number, name: Uint8Array): Buffer {
  checkName(name);
  return Buffer.concat([Buffer.from(`/proc/self/fd/${directory}/`), name]);
}

/**
 * A name of one directory entry, ready for C. It cannot lead out of its directory: that is checked here, for all callers.
 *
 * @throws {LinuxError} INVALID_NAME for the empty name, `.`, `..`, and names with a slash or a NUL
 */
export function nativeName(name: Uint8Array): Uint8Array {
  checkName(name);
  return terminated(name);
}

/** @throws {LinuxError} INVALID_NAME for an empty path, and for one with a NUL */
export function nativePath(path: PathLike): Uint8Array {
  const bytes = typeof path === 'string' ? Buffer.from(path) : path;
  if (bytes.byteLength === 0 || bytes.includes(0)) throw invalid(bytes, 'not a path');
  return terminated(bytes);
}

/** The error of a call on `path`. Bytes that are not UTF-8 are replaced in its text, which is for people. */
export function pathError(syscall: string, errno: number, path: PathLike): LinuxError {
  return systemError(syscall, errno, displayed(path));
}

/** A path or name as text for people. */
export function displayed(path: PathLike): string {
  return typeof path === 'string' ? path : new TextDecoder().decode(path);
}

/** @throws {LinuxError} INVALID_NAME */
export function checkName(name: Uint8Array): void {
  const isDots = name.byteLength <= 2 && name.every((byte) => byte === DOT); // the empty name, too
  if (isDots || name.includes(SLASH) || name.includes(0)) throw invalid(name, 'not the name of a directory entry');
}

function invalid(name: Uint8Array, message: string): LinuxError {
  return new LinuxError('INVALID_NAME', 'path', message, { path: displayed(name) });
}

function terminated(bytes: Uint8Array): Uint8Array {
  const result = new Uint8Array(bytes.byteLength + 1);
  result.set(bytes);
  return result;
}

const DOT = 0x2e;
const SLASH = 0x2f;

import { randomInt } from 'node:crypto';
import { constants, linkSync, openSync, renameSync, statSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { hasCode, LinuxError, systemError } from './errors.ts';
import { call, libcFunction } from './libc.ts';

/** An open file that has no name yet, or only a temporary one. Whoever opened it closes `fd`. */
export interface StagingFile {
  readonly fd: number;
  /** Its temporary name, where it needs one. */
  readonly path: string | undefined;
}

/** Options of {@link openStagingFile}. */
export interface StagingOptions {
  /** Permissions, less the umask; 0644 unless told. */
  readonly mode?: number | undefined;
  /** How a temporary name begins; `.tmp-` unless told. */
  readonly prefix?: string | undefined;
}

/**
 * Open an unnamed file in `directory` for reading and writing (O_TMPFILE). It vanishes with its last descriptor unless {@link linkFd}
 * gives it a name.
 *
 * @returns undefined if the file system has no such files, or without koffi, since then it could not be named
 * @throws Node's own errors, for instance ENOENT
 */
export function openTmpfile(directory: string, mode = 0o644): number | undefined {
  if (nativeLinkat() === undefined) return undefined;
  try {
    return openSync(directory, O_TMPFILE | constants.O_RDWR, mode);
  } catch (error) {
    // EISDIR is what file systems and kernels answer that take O_TMPFILE for a plain open of the directory.
    if (hasCode(error, 'ENOTSUP', 'EOPNOTSUPP', 'EISDIR')) return undefined;
    throw error;
  }
}

/**
 * Give the file behind `fd` the name `destination`, which must not exist (linkat(2)). Works for unnamed files of {@link openTmpfile};
 * for others it adds a hard link.
 *
 * @returns `'exists'` if the name is taken; the file there is left alone
 * @throws {LinuxError} the errno, for instance EXDEV; UNSUPPORTED without koffi
 */
export function linkFd(fd: number, destination: string): 'linked' | 'exists' {
  const linkat = nativeLinkat();
  if (linkat === undefined) throw new LinuxError('UNSUPPORTED', 'linkat', 'koffi is not there', { path: destination });
  const { errno } = call(linkat, AT_FDCWD, `/proc/self/fd/${fd}`, AT_FDCWD, destination, AT_SYMLINK_FOLLOW);
  if (errno === EEXIST) return 'exists';
  if (errno !== 0) throw systemError('linkat', errno, destination);
  return 'linked';
}

/**
 * Open a file to be filled first and named later: unnamed where that is possible, else under a random name in `directory`.
 *
 * @throws Node's own errors
 */
export function openStagingFile(directory: string, { mode = 0o644, prefix = '.tmp-' }: StagingOptions = {}): StagingFile {
  const fd = openTmpfile(directory, mode);
  return fd === undefined ? openNamed(directory, mode, prefix) : { fd, path: undefined };
}

/**
 * Give a staging file its final name, which must not exist, in the same file system. A temporary name is gone afterwards, whatever happens.
 *
 * On file systems without hard links a named one is renamed instead. Then two that arrive at the same moment may both report `linked`,
 * and the later one stays: harmless where the name tells the content.
 *
 * @returns `'exists'` if the name is taken; the file there is left alone
 * @throws {LinuxError} as {@link linkFd}; Node's own errors
 */
export function linkStagingFile(file: StagingFile, destination: string): 'linked' | 'exists' {
  if (file.path === undefined) return linkFd(file.fd, destination);
  try {
    return linkNamed(file.path, destination);
  } finally {
    discardStagingFile(file);
  }
}

/** Remove the temporary name, if there is one. The descriptor stays open. */
export function discardStagingFile({ path }: StagingFile): void {
  if (path === undefined) return;
  try {
    unlinkSync(path);
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error;
  }
}

/**
 * A second, read-only descriptor of the same file, also of one without a name. With the writable one closed, verity can be enabled on it.
 *
 * @throws Node's own errors
 */
export function reopenReadOnly(fd: number): number {
  return openSync(`/proc/self/fd/${fd}`, constants.O_RDONLY);
}

function openNamed(directory: string, mode: number, prefix: string): StagingFile {
  for (let attempt = 1; ; attempt++) {
    const path = join(directory, `${prefix}${randomName()}`);
    try {
      return { fd: openSync(path, 'wx+', mode), path };
    } catch (error) {
      if (!hasCode(error, 'EEXIST') || attempt === NAME_ATTEMPTS) throw error;
    }
  }
}

function linkNamed(path: string, destination: string): 'linked' | 'exists' {
  try {
    linkSync(path, destination);
    return 'linked';
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return 'exists';
    if (hasCode(error, 'EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK')) return renameNamed(path, destination);
    throw error;
  }
}

function renameNamed(path: string, destination: string): 'linked' | 'exists' {
  if (statSync(destination, { throwIfNoEntry: false }) !== undefined) return 'exists';
  renameSync(path, destination);
  return 'linked';
}

function randomName(): string {
  return Array.from({ length: 12 }, () => ALPHANUMERICS[randomInt(ALPHANUMERICS.length)]).join('');
}

const nativeLinkat = libcFunction('int linkat(int fromDirectory, const char *from, int toDirectory, const char *to, int flags)');

const ALPHANUMERICS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
const NAME_ATTEMPTS = 16;
const O_TMPFILE = 0o20000000 | constants.O_DIRECTORY;
const AT_FDCWD = -100;
const AT_SYMLINK_FOLLOW = 0x400;
const EEXIST = 17;

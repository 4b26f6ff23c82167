import { closeSync, constants, openSync } from 'node:fs';
import { errnoOf, LinuxError, systemError } from './errors.ts';
import { lastErrno } from './koffi.ts';
import { call, isMissingCall, libcFunction64, systemCall, type CallResult } from './libc.ts';
import { checkName, displayed, entryPath, nativeName, nativePath, pathError } from './names.ts';

/** Open a place in the file system, not its content: needs no permission on the file, and works for symbolic links and devices. */
export const O_PATH = 0o10000000;

/**
 * Open an entry of an open directory (openat(2)). Symbolic links are not followed, and the descriptor does not outlive an exec:
 * O_NOFOLLOW and O_CLOEXEC are added. Without koffi, `open` of node:fs does it.
 *
 * @param flags of `constants` of node:fs, and {@link O_PATH}
 * @param mode permissions of a file that is made, less the umask; 0666 unless told
 * @returns a descriptor; close it with {@link closeDescriptor}
 * @throws {LinuxError} the errno: ELOOP for a symbolic link, EEXIST with O_EXCL; INVALID_NAME
 */
export function openAt(directory: number, name: Uint8Array, flags: number, mode = 0o666): number {
  const native = nativeOpenat();
  const wanted = flags | constants.O_NOFOLLOW | O_CLOEXEC;
  const result =
    native === undefined ? openByNode(entryPath(directory, name), wanted, mode) : call(native, directory, nativeName(name), wanted, mode);
  return descriptor('openat', result, name);
}

/** How {@link openBeneath} treats the path. */
export interface OpenBeneathOptions {
  /** Permissions of a file that is made, less the umask; 0666 unless told. */
  readonly mode?: number | undefined;
  /**
   * - `refuse`, the default: none on the way, and the last component is not followed either;
   * - `follow`: followed as long as they stay below the directory, else EXDEV;
   * - `in-root`: as if the directory were the root: absolute targets start there, and `..` stops there.
   */
  readonly symlinks?: 'refuse' | 'follow' | 'in-root' | undefined;
}

/**
 * Open a path below an open directory, never anything outside of it, whatever others do to the tree meanwhile (openat2(2), Linux 5.6).
 * Where that is missing, `refuse` walks one component at a time; the other two throw UNSUPPORTED.
 *
 * @param path names with single slashes between them: none at either end, no `.` and no `..`
 * @param flags as for {@link openAt}; O_CLOEXEC is added
 * @returns a descriptor; close it with {@link closeDescriptor}
 * @throws {LinuxError} the errno: ELOOP or ENOTDIR for a symbolic link that is refused; INVALID_NAME; UNSUPPORTED
 */
export function openBeneath(directory: number, path: Uint8Array, flags: number, options: OpenBeneathOptions = {}): number {
  const { mode = 0o666, symlinks = 'refuse' } = options;
  const names = namesIn(path);
  const wanted = flags | O_CLOEXEC | (symlinks === 'refuse' ? constants.O_NOFOLLOW : 0);
  const result = openat2(directory, path, wanted, mode, RESOLVE[symlinks]);
  if (result !== undefined) return descriptor('openat2', result, path);
  if (symlinks === 'refuse') return openByWalk(directory, names, flags, mode);
  throw new LinuxError('UNSUPPORTED', 'openat2', 'neither koffi nor Linux 5.6 is there', { path: displayed(path) });
}

/**
 * Close a descriptor that this package opened. `closeSync` of node:fs does it as well, but in a worker thread it warns about descriptors
 * that Node itself has not opened.
 *
 * @throws {LinuxError} the errno
 */
export function closeDescriptor(fd: number): void {
  const native = nativeClose();
  if (native === undefined) return closeSync(fd);
  // After EINTR the descriptor is closed all the same.
  if (native(fd) < 0 && lastErrno() !== EINTR) throw systemError('close', lastErrno());
}

/** struct open_how: flags, mode, resolve, each of 64 bits. Undefined where there is no such call. */
function openat2(directory: number, path: Uint8Array, flags: number, mode: number, resolve: bigint): CallResult | undefined {
  const native = nativeOpenat2();
  if (native === undefined) return undefined;
  // Permissions without O_CREAT are EINVAL here, where open(2) passes over them.
  const how = new BigUint64Array([BigInt(flags), (flags & constants.O_CREAT) === 0 ? 0n : BigInt(mode), resolve]);
  for (let attempt = 1; ; attempt++) {
    const result = call(native, directory, nativePath(path), new Uint8Array(how.buffer), how.byteLength);
    // Somebody renamed something on the way: the kernel asks to try again.
    if (result.errno === EAGAIN && attempt < ATTEMPTS) continue;
    return isMissingCall(result.errno) && !hasOpenat2() ? undefined : result;
  }
}

/** Whether openat2(2) can be called: one with an argument of no size is EINVAL where it is known. */
export function hasOpenat2(): boolean {
  const native = nativeOpenat2();
  return native !== undefined && call(native, -1, nativePath('.'), new Uint8Array(24), 0).errno === EINVAL;
}

function openByWalk(directory: number, names: readonly Uint8Array[], flags: number, mode: number): number {
  let at = directory;
  try {
    for (const name of names.slice(0, -1)) {
      const next = openAt(at, name, O_PATH | constants.O_DIRECTORY);
      if (at !== directory) closeDescriptor(at);
      at = next;
    }
    return openAt(at, names.at(-1)!, flags, mode);
  } finally {
    if (at !== directory) closeDescriptor(at);
  }
}

/** @throws {LinuxError} INVALID_NAME if the path is not made of names */
function namesIn(path: Uint8Array): Uint8Array[] {
  const names: Uint8Array[] = [];
  for (let start = 0; start <= path.byteLength;) {
    const slash = path.indexOf(SLASH, start);
    const end = slash < 0 ? path.byteLength : slash;
    const name = path.subarray(start, end);
    checkName(name);
    names.push(name);
    start = end + 1;
  }
  return names;
}

function openByNode(path: Buffer, flags: number, mode: number): CallResult {
  let value = -1;
  const errno = errnoOf(() => (value = openSync(path, flags, mode)));
  return errno === 0 ? { value, errno } : { errno };
}

function descriptor(syscall: string, result: CallResult, path: Uint8Array): number {
  if (!('value' in result)) throw pathError(syscall, result.errno, path);
  return result.value;
}

const nativeOpenat = libcFunction64('int openat(int directory, const uint8_t *name, int flags, uint mode)');
const nativeOpenat2 = systemCall(437, 'int directory, const uint8_t *path, const uint8_t *how, size_t size');
const nativeClose = libcFunction64('int close(int fd)');

const O_CLOEXEC = 0o2000000;
const BENEATH = 0x08n;
const RESOLVE = { refuse: BENEATH | 0x04n, follow: BENEATH, 'in-root': 0x10n } as const; // 4: no symbolic links
const EINTR = 4;
const EAGAIN = 11;
const EINVAL = 22;
const SLASH = 0x2f;
const ATTEMPTS = 128;

import { randomBytes } from 'node:crypto';
import { linkSync, mkdirSync, symlinkSync, unlinkSync } from 'node:fs';
import { errnoOf, LinuxError } from './errors.ts';
import { helperFailed, INHERITED, noMeans, runHelper } from './helper.ts';
import { call, libcFunction64 } from './libc.ts';
import { entryPath, nativeName, nativePath, pathError } from './names.ts';

/**
 * Make a directory in an open directory (mkdirat(2)).
 *
 * @param mode permissions, less the umask
 * @returns `'exists'` if the name is taken, by whatever
 * @throws {LinuxError} the errno; INVALID_NAME
 */
export function mkdirAt(directory: number, name: Uint8Array, mode = 0o777): 'made' | 'exists' {
  const native = nativeMkdirat();
  const errno =
    native === undefined
      ? errnoOf(() => mkdirSync(entryPath(directory, name), mode))
      : call(native, directory, nativeName(name), mode).errno;
  return made('mkdirat', errno, name);
}

/** What {@link mknodAt} makes; `rdev` as in {@link FileStatus}. */
export type SpecialFile =
  | { readonly type: 'fifo' | 'socket'; readonly mode: number }
  | { readonly type: 'character-device' | 'block-device'; readonly mode: number; readonly rdev: number };

/**
 * Make a device, a FIFO or a socket file in an open directory (mknodat(2)). Without koffi, mknod(1) and mkfifo(1) make it under a temporary
 * name; they make no sockets.
 *
 * @param file its permissions are less the umask
 * @returns `'exists'` if the name is taken; `'denied'` if this user may not make devices, or the file system takes none
 * @throws {LinuxError} the errno; INVALID_NAME; UNSUPPORTED; HELPER_FAILED
 */
export function mknodAt(directory: number, name: Uint8Array, file: SpecialFile): 'made' | 'exists' | 'denied' {
  const native = nativeMknodat();
  if (native === undefined) return makeByHelper(directory, name, file);
  const rdev = 'rdev' in file ? file.rdev : 0;
  const { errno } = call(native, directory, nativeName(name), TYPE_BITS[file.type] | (file.mode & 0o7777), rdev);
  return errno === EPERM ? 'denied' : made('mknodat', errno, name);
}

/**
 * Make a symbolic link in an open directory (symlinkat(2)).
 *
 * @param target any bytes but NUL; it is kept as it is and need not lead anywhere
 * @returns `'exists'` if the name is taken
 * @throws {LinuxError} the errno; INVALID_NAME
 */
export function symlinkAt(target: Uint8Array, directory: number, name: Uint8Array): 'made' | 'exists' {
  const native = nativeSymlinkat();
  const errno =
    native === undefined
      ? errnoOf(() => symlinkSync(Buffer.from(target), entryPath(directory, name)))
      : call(native, nativePath(target), directory, nativeName(name)).errno;
  return made('symlinkat', errno, name);
}

/**
 * Give an entry of an open directory a second name, a hard link (linkat(2)). A symbolic link is not followed: it gets the name itself.
 *
 * @returns `'exists'` if the name is taken; `'refused'` if these two cannot be links of one file: other file systems, one without hard
 *   links, too many of them, or a policy (EXDEV, EPERM, EMLINK). Copy then.
 * @throws {LinuxError} other errnos; INVALID_NAME
 */
export function linkAt(fromDirectory: number, from: Uint8Array, toDirectory: number, to: Uint8Array): 'linked' | 'exists' | 'refused' {
  const native = nativeLinkat();
  const errno =
    native === undefined
      ? errnoOf(() => linkSync(entryPath(fromDirectory, from), entryPath(toDirectory, to)))
      : call(native, fromDirectory, nativeName(from), toDirectory, nativeName(to), 0).errno;
  if (CANNOT_LINK.has(errno)) return 'refused';
  return made('linkat', errno, to) === 'made' ? 'linked' : 'exists';
}

function made(syscall: string, errno: number, name: Uint8Array): 'made' | 'exists' {
  if (errno === 0) return 'made';
  if (errno === EEXIST) return 'exists';
  throw pathError(syscall, errno, name);
}

/** Arguments of a program are text, and names are bytes: so it gets a name of ours, which is then exchanged for the real one. */
function makeByHelper(directory: number, name: Uint8Array, file: SpecialFile): 'made' | 'exists' | 'denied' {
  const temporary = `.tmp-${randomBytes(9).toString('hex')}`;
  const from = entryPath(directory, Buffer.from(temporary));
  const to = entryPath(directory, name);
  if (runMaker(directory, temporary, file) === 'denied') return 'denied';
  const errno = errnoOf(() => linkSync(from, to));
  unlinkSync(from);
  if (errno === EEXIST) return 'exists';
  if (errno !== 0) throw pathError('link', errno, name);
  return 'made';
}

function runMaker(directory: number, temporary: string, file: SpecialFile): 'made' | 'denied' {
  if (file.type === 'socket') throw new LinuxError('UNSUPPORTED', 'mknodat', 'socket files need koffi');
  const program = file.type === 'fifo' ? 'mkfifo' : 'mknod';
  const mode = (file.mode & 0o7777 & ~process.umask()).toString(8);
  const args = ['-m', mode, `/proc/self/fd/${INHERITED}/${temporary}`, ...deviceArguments(file)];
  const result = runHelper(program, args, directory);
  if (result === undefined) throw noMeans('mknodat', program);
  if (result.status === 0) return 'made';
  if (program === 'mknod' && /not permitted/i.test(result.stderr)) return 'denied';
  throw helperFailed(program, 'mknodat', result);
}

function deviceArguments(file: SpecialFile): string[] {
  if (!('rdev' in file)) return [];
  const major = (file.rdev >>> 8) & 0xfff;
  const minor = (file.rdev & 0xff) | ((file.rdev >>> 12) & 0xfff00);
  return [file.type === 'character-device' ? 'c' : 'b', `${major}`, `${minor}`];
}

const nativeMkdirat = libcFunction64('int mkdirat(int directory, const uint8_t *name, uint mode)');
const nativeMknodat = libcFunction64('int mknodat(int directory, const uint8_t *name, uint mode, uint64_t device)');
const nativeSymlinkat = libcFunction64('int symlinkat(const uint8_t *target, int directory, const uint8_t *name)');
const nativeLinkat = libcFunction64('int linkat(int fromDirectory, const uint8_t *from, int toDirectory, const uint8_t *to, int flags)');

const TYPE_BITS = { fifo: 0o010000, socket: 0o140000, 'character-device': 0o020000, 'block-device': 0o060000 } as const;
const EPERM = 1;
const EEXIST = 17;
const EXDEV = 18;
const EMLINK = 31;
const EOPNOTSUPP = 95;
const CANNOT_LINK: ReadonlySet<number> = new Set([EPERM, EXDEV, EMLINK, EOPNOTSUPP]);

import { chmodSync, lchownSync, readlinkSync } from 'node:fs';
import { errnoOf } from './errors.ts';
import { call, isMissingCall, libcFunction64, systemCall } from './libc.ts';
import { entryPath, nativeName, pathError } from './names.ts';
import { closeDescriptor, O_PATH, openAt } from './open-at.ts';
import { statDescriptor } from './stat.ts';

/**
 * Give an entry of an open directory an owner and a group; of a symbolic link, the link itself (fchownat(2)). The kernel then takes set-uid
 * bits and capabilities away, so permissions and attributes come after this.
 *
 * @returns `'denied'` if this user may not
 * @throws {LinuxError} the errno; INVALID_NAME
 */
export function chownAt(directory: number, name: Uint8Array, uid: number, gid: number): 'changed' | 'denied' {
  const native = nativeFchownat();
  const errno =
    native === undefined
      ? errnoOf(() => lchownSync(entryPath(directory, name), uid, gid))
      : call(native, directory, nativeName(name), uid, gid, AT_SYMLINK_NOFOLLOW).errno;
  if (errno === EPERM) return 'denied';
  if (errno !== 0) throw pathError('fchownat', errno, name);
  return 'changed';
}

/**
 * Set the permissions of an entry of an open directory, whatever the umask; never of what a symbolic link leads to (fchmodat2(2), Linux 6.6;
 * before that and without koffi, through an O_PATH descriptor).
 *
 * @returns `'unsupported'` for a symbolic link, which has no permissions; `'denied'` if this user may not
 * @throws {LinuxError} the errno; INVALID_NAME
 */
export function chmodAt(directory: number, name: Uint8Array, mode: number): 'changed' | 'denied' | 'unsupported' {
  const native = nativeFchmodat2();
  let errno = native === undefined ? ENOSYS : call(native, directory, nativeName(name), mode, AT_SYMLINK_NOFOLLOW).errno;
  if (isMissingCall(errno)) errno = chmodByDescriptor(directory, name, mode);
  if (errno === EPERM) return 'denied';
  if (errno === EOPNOTSUPP) return 'unsupported';
  if (errno !== 0) throw pathError('fchmodat', errno, name);
  return 'changed';
}

/**
 * Target of a symbolic link in an open directory, as it is stored (readlinkat(2)).
 *
 * @throws {LinuxError} the errno: EINVAL if it is no symbolic link; INVALID_NAME
 */
export function readlinkAt(directory: number, name: Uint8Array): Uint8Array<ArrayBuffer> {
  const native = nativeReadlinkat();
  if (native === undefined) return readlinkByNode(directory, name);
  const target = new Uint8Array(LONGEST_TARGET);
  const result = call(native, directory, nativeName(name), target, target.byteLength);
  if (!('value' in result)) throw pathError('readlinkat', result.errno, name);
  return target.slice(0, result.value);
}

function readlinkByNode(directory: number, name: Uint8Array): Uint8Array<ArrayBuffer> {
  let target: Uint8Array = new Uint8Array();
  const errno = errnoOf(() => (target = readlinkSync(entryPath(directory, name), 'buffer')));
  if (errno !== 0) throw pathError('readlink', errno, name);
  return Uint8Array.from(target);
}

/** The descriptor holds on to the entry while it is looked at, so that nothing can be put in its place. */
function chmodByDescriptor(directory: number, name: Uint8Array, mode: number): number {
  const fd = openAt(directory, name, O_PATH);
  try {
    if ((statDescriptor(fd).mode & S_IFMT) === S_IFLNK) return EOPNOTSUPP;
    return errnoOf(() => chmodSync(`/proc/self/fd/${fd}`, mode));
  } finally {
    closeDescriptor(fd);
  }
}

const nativeFchownat = libcFunction64('int fchownat(int directory, const uint8_t *name, uint uid, uint gid, int flags)');
const nativeFchmodat2 = systemCall(452, 'int directory, const uint8_t *name, uint mode, uint flags');
const nativeReadlinkat = libcFunction64('long readlinkat(int directory, const uint8_t *name, uint8_t *target, size_t size)');

/** The kernel takes no longer ones, and one byte more shows that nothing was cut off. */
const LONGEST_TARGET = 4096;
const AT_SYMLINK_NOFOLLOW = 0x100;
const S_IFMT = 0o170000;
const S_IFLNK = 0o120000;
const EPERM = 1;
const ENOSYS = 38;
const EOPNOTSUPP = 95;

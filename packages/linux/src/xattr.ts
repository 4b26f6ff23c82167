import { type LinuxError, systemError } from './errors.ts';
import type { NativeFunction } from './koffi.ts';
import { call, libcFunction, type CallResult } from './libc.ts';
import { displayed, nativePath, type PathLike } from './names.ts';

/**
 * Whose attributes: an open descriptor, or a path, whose last component is not followed if it is a symbolic link. A descriptor opened with
 * O_PATH has none; `/proc/self/fd/<number>` with `follow` serves there.
 */
export type XattrTarget = number | PathLike;

/** Options of the calls for extended attributes. */
export interface XattrOptions {
  /** Of a path: the file that a symbolic link leads to, and not the link. */
  readonly follow?: boolean | undefined;
}

/** Options of {@link setXattr}. */
export interface SetXattrOptions extends XattrOptions {
  /** `create` leaves an attribute alone that is there, `replace` one that is not. */
  readonly only?: 'create' | 'replace' | undefined;
}

/**
 * Value of one extended attribute (getxattr(2), lgetxattr, fgetxattr).
 *
 * @param name with its namespace, as `user.note`; bytes without NUL
 * @returns undefined if there is none, also where this user may not see it (`trusted.*`); `'unsupported'` if the file system has none of this
 *   namespace, or there is no koffi (`capabilities().xattrs` tells which)
 * @throws {LinuxError} the errno
 * @see {@link https://man7.org/linux/man-pages/man7/xattr.7.html}
 */
export function getXattr(
  target: XattrTarget,
  name: Uint8Array,
  options: XattrOptions = {},
): Uint8Array<ArrayBuffer> | 'unsupported' | undefined {
  const native = GET[formOf(target, options)]();
  if (native === undefined) return 'unsupported';
  const [subject, attribute] = [nativeTarget(target), nativePath(name)];
  const result = readGrowing((memory) => call(native, subject, attribute, memory, memory.byteLength));
  if (result.bytes !== undefined) return result.bytes;
  if (result.errno === ENODATA) return undefined;
  if (result.errno === EOPNOTSUPP) return 'unsupported';
  throw xattrError('getxattr', result.errno, target);
}

/**
 * Names of all extended attributes that this user can see (listxattr(2), llistxattr, flistxattr), in no order.
 *
 * @returns `'unsupported'` if the file system has none, or there is no koffi (`capabilities().xattrs` tells which)
 * @throws {LinuxError} the errno
 */
export function listXattrs(target: XattrTarget, options: XattrOptions = {}): Uint8Array<ArrayBuffer>[] | 'unsupported' {
  const native = LIST[formOf(target, options)]();
  if (native === undefined) return 'unsupported';
  const subject = nativeTarget(target);
  const result = readGrowing((memory) => call(native, subject, memory, memory.byteLength));
  if (result.bytes !== undefined) return splitNames(result.bytes);
  if (result.errno === EOPNOTSUPP) return 'unsupported';
  throw xattrError('listxattr', result.errno, target);
}

/**
 * Give an extended attribute a value (setxattr(2), lsetxattr, fsetxattr).
 *
 * @returns `'exists'` or `'missing'` where `only` left it alone; `'denied'` if this user may not, or files of this type have none of this
 *   namespace (`user.*` on a symbolic link); `'unsupported'` as {@link getXattr}
 * @throws {LinuxError} other errnos: ENOSPC, E2BIG, ERANGE, EROFS
 */
export function setXattr(
  target: XattrTarget,
  name: Uint8Array,
  value: Uint8Array,
  options: SetXattrOptions = {},
): 'set' | 'exists' | 'missing' | 'denied' | 'unsupported' {
  const native = SET[formOf(target, options)]();
  if (native === undefined) return 'unsupported';
  const flags = options.only === undefined ? 0 : ONLY[options.only];
  const { errno } = call(native, nativeTarget(target), nativePath(name), value, value.byteLength, flags);
  if (errno === 0) return 'set';
  if (errno === EEXIST) return 'exists';
  if (errno === ENODATA) return 'missing';
  return refusal('setxattr', errno, target);
}

/**
 * Remove an extended attribute (removexattr(2), lremovexattr, fremovexattr).
 *
 * @returns `'missing'` if there is none; the rest as {@link setXattr}
 * @throws {LinuxError} other errnos
 */
export function removeXattr(
  target: XattrTarget,
  name: Uint8Array,
  options: XattrOptions = {},
): 'removed' | 'missing' | 'denied' | 'unsupported' {
  const native = REMOVE[formOf(target, options)]();
  if (native === undefined) return 'unsupported';
  const { errno } = call(native, nativeTarget(target), nativePath(name));
  if (errno === 0) return 'removed';
  if (errno === ENODATA) return 'missing';
  return refusal('removexattr', errno, target);
}

function refusal(syscall: string, errno: number, target: XattrTarget): 'denied' | 'unsupported' {
  if (errno === EPERM || errno === EACCES) return 'denied';
  if (errno === EOPNOTSUPP) return 'unsupported';
  throw xattrError(syscall, errno, target);
}

/** Which of the three forms of a call: on a descriptor, on a path, on a path whose last component is not followed. */
type Form = 'descriptor' | 'path' | 'link';

function formOf(target: XattrTarget, { follow = false }: XattrOptions): Form {
  if (typeof target === 'number') return 'descriptor';
  return follow ? 'path' : 'link';
}

function nativeTarget(target: XattrTarget): number | Uint8Array {
  return typeof target === 'number' ? target : nativePath(target);
}

type Read = { readonly bytes: Uint8Array<ArrayBuffer>; readonly errno: 0 } | { readonly bytes?: undefined; readonly errno: number };

/** Most lists and values are short; what is longer says ERANGE, and may have grown again by the next call. */
function readGrowing(read: (memory: Uint8Array) => CallResult): Read {
  for (let size = FIRST_SIZE; ; size *= 8) {
    const memory = size === FIRST_SIZE ? SHORT : new Uint8Array(size);
    const result = read(memory);
    if ('value' in result) return { bytes: memory.slice(0, result.value), errno: 0 };
    if (result.errno !== ERANGE || size > LARGEST) return { errno: result.errno };
  }
}

/** Names end with a NUL each. */
function splitNames(list: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer>[] {
  const names: Uint8Array<ArrayBuffer>[] = [];
  for (let start = 0, end; start < list.byteLength; start = end + 1) {
    end = list.indexOf(0, start);
    if (end < 0) end = list.byteLength;
    names.push(list.slice(start, end));
  }
  return names;
}

function xattrError(syscall: string, errno: number, target: XattrTarget): LinuxError {
  return systemError(syscall, errno, typeof target === 'number' ? undefined : displayed(target));
}

function forms(name: string, args: string): Readonly<Record<Form, () => NativeFunction | undefined>> {
  return {
    descriptor: libcFunction(`long f${name}(int fd${args})`),
    path: libcFunction(`long ${name}(const uint8_t *path${args})`),
    link: libcFunction(`long l${name}(const uint8_t *path${args})`),
  };
}

const GET = forms('getxattr', ', const uint8_t *name, uint8_t *value, size_t size');
const LIST = forms('listxattr', ', uint8_t *names, size_t size');
const SET = forms('setxattr', ', const uint8_t *name, const uint8_t *value, size_t size, int flags');
const REMOVE = forms('removexattr', ', const uint8_t *name');

const ONLY = { create: 1, replace: 2 } as const;
/** Used again by every call of this thread, which all are synchronous and copy out of it. */
const FIRST_SIZE = 1024;
const SHORT = new Uint8Array(FIRST_SIZE);
/** Linux has no values and no lists above 64 KiB. */
const LARGEST = 65536;
const EPERM = 1;
const EACCES = 13;
const EEXIST = 17;
const ERANGE = 34;
const ENODATA = 61;
const EOPNOTSUPP = 95;

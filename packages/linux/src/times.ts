import { type BigIntStats, fstatSync, futimesSync, lstatSync, lutimesSync } from 'node:fs';
import { endianness } from 'node:os';
import { errnoOf, systemError } from './errors.ts';
import { call, libcFunction64 } from './libc.ts';
import { entryPath, nativeName, pathError } from './names.ts';
import type { FileTime } from './stat.ts';

/** Both times of a file. */
export interface FileTimes {
  readonly mtime: FileTime;
  /** Of the last access; left alone unless given. */
  readonly atime?: FileTime | undefined;
}

/**
 * What came of setting times: `rounded` means that the file has another time now, since without koffi Node takes seconds as a floating point
 * number; `denied` that this user may not. What a file system rounds is not reported.
 */
export type TimesOutcome = 'set' | 'rounded' | 'denied';

/**
 * Set the times of an entry of an open directory to the nanosecond; of a symbolic link, those of the link itself (utimensat(2)).
 *
 * @throws {LinuxError} the errno; INVALID_NAME
 */
export function utimesAt(directory: number, name: Uint8Array, times: FileTimes): TimesOutcome {
  const native = nativeUtimensat();
  if (native === undefined) {
    const path = entryPath(directory, name);
    const stat = (): BigIntStats => lstatSync(path, { bigint: true });
    return utimesByNode(times, name, stat, (atime, mtime) => lutimesSync(path, atime, mtime));
  }
  const { errno } = call(native, directory, nativeName(name), timespecs(times), AT_SYMLINK_NOFOLLOW);
  if (errno !== 0 && errno !== EPERM) throw pathError('utimensat', errno, name);
  return errno === 0 ? 'set' : 'denied';
}

/**
 * The same for the file behind a descriptor (futimens(3)).
 *
 * @throws {LinuxError} the errno
 */
export function utimesDescriptor(fd: number, times: FileTimes): TimesOutcome {
  const native = nativeFutimens();
  if (native === undefined) {
    const stat = (): BigIntStats => fstatSync(fd, { bigint: true });
    return utimesByNode(times, '', stat, (atime, mtime) => futimesSync(fd, atime, mtime));
  }
  const { errno } = call(native, fd, timespecs(times));
  if (errno !== 0 && errno !== EPERM) throw systemError('futimens', errno);
  return errno === 0 ? 'set' : 'denied';
}

/** Two struct timespec: last access, last change. */
function timespecs({ atime, mtime }: FileTimes): Uint8Array {
  const view = new DataView(new ArrayBuffer(32));
  if (atime === undefined) view.setBigInt64(8, UTIME_OMIT, LITTLE_ENDIAN);
  else setTimespec(view, 0, atime);
  setTimespec(view, 16, mtime);
  return new Uint8Array(view.buffer);
}

function setTimespec(view: DataView, offset: number, { seconds, nanoseconds }: FileTime): void {
  view.setBigInt64(offset, seconds, LITTLE_ENDIAN);
  view.setBigInt64(offset + 8, BigInt(nanoseconds), LITTLE_ENDIAN);
}

type NodeTime = number | Date;

function utimesByNode(
  { atime, mtime }: FileTimes,
  name: Uint8Array | string,
  stat: () => BigIntStats,
  set: (atime: NodeTime, mtime: NodeTime) => void,
): TimesOutcome {
  const wanted = toNanoseconds(mtime);
  let found = wanted;
  const errno = errnoOf(() => {
    set(toNodeTime(atime === undefined ? stat().atimeNs : toNanoseconds(atime)), toNodeTime(wanted));
    found = stat().mtimeNs;
  });
  if (errno !== 0 && errno !== EPERM) throw pathError('utimes', errno, name);
  if (errno === EPERM) return 'denied';
  return found === wanted ? 'set' : 'rounded';
}

function toNanoseconds({ seconds, nanoseconds }: FileTime): bigint {
  return seconds * 1_000_000_000n + BigInt(nanoseconds);
}

/** Node takes a negative number for the present time, but not a Date before 1970. */
function toNodeTime(nanoseconds: bigint): NodeTime {
  return nanoseconds < 0n ? new Date(Number(nanoseconds / 1_000_000n)) : Number(nanoseconds) / 1e9;
}

const nativeUtimensat = libcFunction64('int utimensat(int directory, const uint8_t *name, const uint8_t *times, int flags)');
const nativeFutimens = libcFunction64('int futimens(int fd, const uint8_t *times)');

const LITTLE_ENDIAN = endianness() === 'LE';
const UTIME_OMIT = 0x3ffffffen;
const AT_SYMLINK_NOFOLLOW = 0x100;
const EPERM = 1;

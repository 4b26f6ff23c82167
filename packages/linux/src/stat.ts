import { type BigIntStats, fstatSync, lstatSync } from 'node:fs';
import { endianness } from 'node:os';
import { errnoOf } from './errors.ts';
import { call, libcFunction } from './libc.ts';
import { entryPath, nativeName, pathError } from './names.ts';

/** A moment: seconds since 1970, which may be negative, and nanoseconds from 0 to 999999999 after them. */
export interface FileTime {
  readonly seconds: bigint;
  readonly nanoseconds: number;
}

/** Metadata of a file, as the kernel has it. */
export interface FileStatus {
  /** Type and permissions, `st_mode`. */
  readonly mode: number;
  readonly nlink: number;
  readonly uid: number;
  readonly gid: number;
  /** Bytes; of a symbolic link, the length of its target. */
  readonly size: number;
  /** What a device file stands for, as Linux encodes it in 32 bits. 0 for everything else. */
  readonly rdev: number;
  /** The file system, encoded in the same way, and the file in it: the two together identify a file. */
  readonly dev: number;
  readonly ino: bigint;
  readonly mtime: FileTime;
  /** When anything of the file changed last. */
  readonly ctime: FileTime;
}

/**
 * Metadata of an entry of an open directory; symbolic links are not followed (statx(2)). Without koffi, lstat of node:fs does it.
 *
 * @throws {LinuxError} the errno, for instance ENOENT; EOVERFLOW for a file of 2^53 bytes or more; INVALID_NAME
 */
export function statAt(directory: number, name: Uint8Array): FileStatus {
  const native = nativeStatx();
  if (native === undefined) return statByNode(name, () => lstatSync(entryPath(directory, name), { bigint: true }));
  const { errno } = call(native, directory, nativeName(name), AT_SYMLINK_NOFOLLOW, BASIC_STATS, RESULT.bytes);
  if (errno !== 0) throw pathError('statx', errno, name);
  return decodeStatx(name);
}

/**
 * Metadata of what a descriptor stands for, of one opened with {@link O_PATH}, too.
 *
 * @throws {LinuxError} as {@link statAt}
 */
export function statDescriptor(fd: number): FileStatus {
  const native = nativeStatx();
  if (native === undefined) return statByNode('', () => fstatSync(fd, { bigint: true }));
  const { errno } = call(native, fd, NO_NAME, AT_EMPTY_PATH, BASIC_STATS, RESULT.bytes);
  if (errno !== 0) throw pathError('statx', errno, '');
  return decodeStatx('');
}

/** struct statx is the same on every processor. The memory is used again by every call of this thread, which all are synchronous. */
function decodeStatx(name: Uint8Array | string): FileStatus {
  const { view } = RESULT;
  const size = Number(view.getBigUint64(40, LITTLE_ENDIAN));
  checkSize(size, name);
  return {
    mode: view.getUint16(28, LITTLE_ENDIAN),
    nlink: view.getUint32(16, LITTLE_ENDIAN),
    uid: view.getUint32(20, LITTLE_ENDIAN),
    gid: view.getUint32(24, LITTLE_ENDIAN),
    size,
    rdev: deviceNumber(view.getUint32(128, LITTLE_ENDIAN), view.getUint32(132, LITTLE_ENDIAN)),
    dev: deviceNumber(view.getUint32(136, LITTLE_ENDIAN), view.getUint32(140, LITTLE_ENDIAN)),
    ino: view.getBigUint64(32, LITTLE_ENDIAN),
    mtime: timeAt(112),
    ctime: timeAt(96),
  };
}

function timeAt(offset: number): FileTime {
  const { view } = RESULT;
  return { seconds: view.getBigInt64(offset, LITTLE_ENDIAN), nanoseconds: view.getUint32(offset + 8, LITTLE_ENDIAN) };
}

/** The kernel's own encoding: 12 bits of major number, 20 of minor, of which the low 8 come first. */
function deviceNumber(major: number, minor: number): number {
  return ((minor & 0xff) | ((major & 0xfff) << 8) | ((minor & 0xfff00) << 12)) >>> 0;
}

function statByNode(name: Uint8Array | string, stat: () => BigIntStats): FileStatus {
  let found: BigIntStats | undefined;
  const errno = errnoOf(() => (found = stat()));
  if (found === undefined) throw pathError('stat', errno, name);
  checkSize(Number(found.size), name);
  return {
    mode: Number(found.mode),
    nlink: Number(found.nlink),
    uid: Number(found.uid),
    gid: Number(found.gid),
    size: Number(found.size),
    rdev: Number(found.rdev),
    dev: Number(found.dev),
    ino: found.ino,
    mtime: timeOf(found.mtimeNs),
    ctime: timeOf(found.ctimeNs),
  };
}

/** BigInt division rounds towards zero; the nanoseconds count upwards from the second before. */
function timeOf(nanoseconds: bigint): FileTime {
  const rest = ((nanoseconds % BILLION) + BILLION) % BILLION;
  return { seconds: (nanoseconds - rest) / BILLION, nanoseconds: Number(rest) };
}

function checkSize(size: number, name: Uint8Array | string): void {
  if (size >= 2 ** 53) throw pathError('statx', EOVERFLOW, name);
}

const nativeStatx = libcFunction('int statx(int directory, const uint8_t *name, int flags, uint mask, uint8_t *result)');

const memory = new Uint8Array(256);
const RESULT = { bytes: memory, view: new DataView(memory.buffer) };
const NO_NAME = new Uint8Array(1);
const LITTLE_ENDIAN = endianness() === 'LE';
const AT_SYMLINK_NOFOLLOW = 0x100;
const AT_EMPTY_PATH = 0x1000;
const BASIC_STATS = 0x7ff;
const EOVERFLOW = 75;
const BILLION = 1_000_000_000n;

import { closeSync, constants, openSync } from 'node:fs';
import { endianness } from 'node:os';
import { LinuxError, systemError } from './errors.ts';
import { ioctlBuffer, ioctlNumeric } from './ioctl.ts';

/** A block device that shows the content of a file. */
export interface LoopDevice {
  /** `/dev/loop<number>` */
  readonly path: string;
  /** Keep it open until the device is mounted: the device is let go when nobody uses it any more. Close it with `closeSync`. */
  readonly fd: number;
}

/**
 * Attach a file to a free loop device: read-only, blocks of 4096 bytes, without the page cache where the file system allows that, and released
 * with its last user (LOOP_CONFIGURE, Linux 5.8).
 *
 * @param file open for reading
 * @throws {LinuxError} the errno: ENOTTY for an older kernel; EBUSY if others take every device first; UNSUPPORTED without koffi. Node's own
 *   errors: EACCES or EPERM for who may not, ENOENT without loop devices
 */
export function attachLoop(file: number): LoopDevice {
  for (let attempt = 1; ; attempt++) {
    const path = `/dev/loop${freeNumber()}`;
    const fd = openSync(path, constants.O_RDONLY);
    const { errno } = ioctlBuffer(fd, LOOP_CONFIGURE, loopConfig(file)) ?? { errno: ENOSYS };
    if (errno === 0) return { path, fd };
    closeSync(fd);
    // EBUSY: between the two calls somebody else has taken it.
    if (errno !== EBUSY || attempt === ATTEMPTS) throw systemError('LOOP_CONFIGURE', errno, path);
  }
}

function freeNumber(): number {
  const control = openSync('/dev/loop-control', constants.O_RDWR);
  try {
    const result = ioctlNumeric(control, LOOP_CTL_GET_FREE, 0);
    if (result === undefined) throw new LinuxError('UNSUPPORTED', 'LOOP_CTL_GET_FREE', 'koffi is not there');
    if (!('value' in result)) throw systemError('LOOP_CTL_GET_FREE', result.errno);
    return result.value;
  } finally {
    closeSync(control);
  }
}

/** struct loop_config: fd, block_size, then struct loop_info64, of which only the flags are set, and eight reserved words. */
function loopConfig(file: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(LOOP_CONFIG_SIZE));
  view.setUint32(0, file, LITTLE_ENDIAN);
  view.setUint32(4, 4096, LITTLE_ENDIAN);
  view.setUint32(FLAGS_OFFSET, LO_FLAGS_READ_ONLY | LO_FLAGS_AUTOCLEAR | LO_FLAGS_DIRECT_IO, LITTLE_ENDIAN);
  return new Uint8Array(view.buffer);
}

const LITTLE_ENDIAN = endianness() === 'LE';
// Numbers from before the scheme that ioctlNumber follows.
const LOOP_CTL_GET_FREE = 0x4c82;
const LOOP_CONFIGURE = 0x4c0a;
const LOOP_CONFIG_SIZE = 304;
const FLAGS_OFFSET = 8 + 52;
const LO_FLAGS_READ_ONLY = 1;
const LO_FLAGS_AUTOCLEAR = 4;
const LO_FLAGS_DIRECT_IO = 16;
const EBUSY = 16;
const ENOSYS = 38;
const ATTEMPTS = 16;

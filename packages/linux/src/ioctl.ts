import { call, libcFunction, type CallResult } from './libc.ts';

/** Direction of an ioctl's argument as the program sees it: `write` is read by the kernel. */
type Direction = 'write' | 'read-write';

/**
 * Number of an ioctl, as the kernel's `_IOW` and `_IOWR` macros compute it. Three families of processors put direction and size elsewhere.
 *
 * @param type the magic byte
 * @param size bytes of the argument structure, as declared
 */
export function ioctlNumber(direction: Direction, type: number, number: number, size: number, arch: string = process.arch): number {
  const other = /^(mips|ppc|sparc)/.test(arch);
  const write = other ? 4 : 1;
  const bits = direction === 'write' ? write : write | 2;
  return ((bits << (other ? 29 : 30)) | (size << 16) | (type << 8) | number) >>> 0;
}

/** ioctl with a structure that the kernel reads and may write; undefined without koffi. */
export function ioctlBuffer(fd: number, request: number, argument: Uint8Array): CallResult | undefined {
  const native = nativeIoctlBuffer();
  return native && call(native, fd, request, argument);
}

/** ioctl with a number; undefined without koffi. */
export function ioctlNumeric(fd: number, request: number, argument: number): CallResult | undefined {
  const native = nativeIoctlNumeric();
  return native && call(native, fd, request, argument);
}

const nativeIoctlBuffer = libcFunction('int ioctl(int fd, ulong request, _Inout_ uint8_t *argument)');
const nativeIoctlNumeric = libcFunction('int ioctl(int fd, ulong request, long argument)');

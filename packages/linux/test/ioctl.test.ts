import { expect, it } from 'vitest';
import { ioctlNumber } from '../src/ioctl.ts';

// Values of the kernel's own headers: FS_IOC_ENABLE_VERITY, FS_IOC_MEASURE_VERITY, FICLONE.
it.each([
  ['x64', 0x4080_6685, 0xc004_6686, 0x4004_9409],
  ['arm64', 0x4080_6685, 0xc004_6686, 0x4004_9409],
  ['riscv64', 0x4080_6685, 0xc004_6686, 0x4004_9409],
  ['s390x', 0x4080_6685, 0xc004_6686, 0x4004_9409],
  ['ppc64', 0x8080_6685, 0xc004_6686, 0x8004_9409],
  ['mipsel', 0x8080_6685, 0xc004_6686, 0x8004_9409],
])('%s', (arch, enable, measure, clone) => {
  expect(ioctlNumber('write', 0x66, 133, 128, arch)).toBe(enable);
  expect(ioctlNumber('read-write', 0x66, 134, 4, arch)).toBe(measure);
  expect(ioctlNumber('write', 0x94, 9, 4, arch)).toBe(clone);
});

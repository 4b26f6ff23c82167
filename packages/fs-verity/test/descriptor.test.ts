import { expect, it } from 'vitest';
import { descriptor, emptyDescriptor } from '../src/descriptor.ts';

it('has the layout of the kernel', () => {
  expect(descriptor.size).toBe(256);
  expect(descriptor.offsets).toEqual({
    version: 0,
    hashAlgorithm: 1,
    logBlockSize: 2,
    saltSize: 3,
    signatureSize: 4,
    dataSize: 8,
    rootHash: 16,
    salt: 80,
    reserved: 112,
  });
});

it.each([
  ['sha256', '01010c'],
  ['sha512', '01020c'],
] as const)('%s: begins with version, algorithm and block size', (algorithm, beginning) => {
  expect(Buffer.from(emptyDescriptor(algorithm)).toString('hex')).toBe(beginning + '00'.repeat(253));
});

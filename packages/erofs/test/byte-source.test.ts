import { describe, expect, it } from 'vitest';
import { checkImage, openImage, readNode, readTree, writeImage, type ByteSource } from '../src/index.ts';
import { dump, failure, treeOf } from './vectors.ts';

/** Gives copies, so that only what was asked for can be seen, and counts. */
function source(bytes: Uint8Array): ByteSource & { reads: number; bytes: number } {
  return {
    size: bytes.length,
    reads: 0,
    bytes: 0,
    read(start, end) {
      expect(start).toBeGreaterThanOrEqual(0);
      expect(end).toBeLessThanOrEqual(bytes.length);
      this.reads++;
      this.bytes += end - start;
      return bytes.slice(start, end);
    },
  };
}

describe.each(['dir-10000', 'mixed-5', 'xattr-130-shared', 'inline-large', 'symlink-long', 'big-xattrs', 'deep-nesting'])('%s', (name) => {
  const bytes = writeImage(treeOf(name));

  it('is the same from a source', () => {
    const image = openImage(source(bytes));
    checkImage(image);
    expect(dump(readTree(image))).toBe(dump(readTree(openImage(bytes))));
  });
});

it('reads about as much as the image has, for all of it, and little for a path', () => {
  const bytes = writeImage(treeOf('dir-10000'));
  const whole = source(bytes);
  readTree(openImage(whole));
  expect(whole.bytes).toBeLessThan(1.5 * bytes.length);
  const one = source(bytes);
  readNode(openImage(one), '/d');
  expect(one.reads).toBeLessThan(40);
});

it('refuses a source that gives less than asked', () => {
  const bytes = writeImage(treeOf('mixed-5'));
  expect(failure(() => openImage({ size: bytes.length, read: (start, end) => bytes.subarray(start, end - 1) })).code).toBe('TRUNCATED');
});

it.each([0, 1, 31, 1151, 1152, 4095])('refuses %i bytes', (size) => {
  const bytes = writeImage(treeOf('mixed-5')).subarray(0, size);
  expect(failure(() => openImage(bytes)).code).toBe('TRUNCATED');
  expect(failure(() => openImage(source(bytes))).code).toBe('TRUNCATED');
});

it('reads views into larger buffers', () => {
  const bytes = writeImage(treeOf('mixed-5'));
  const larger = new Uint8Array(bytes.length + 100).fill(0xee);
  larger.set(bytes, 33);
  expect(dump(readTree(openImage(larger.subarray(33, 33 + bytes.length))))).toBe(dump(readTree(openImage(bytes))));
});

it('has a greatest size', () => {
  const bytes = writeImage(treeOf('mixed-5'));
  expect(failure(() => openImage(bytes, { maxSize: bytes.length - 1 })).code).toBe('TOO_LARGE');
  openImage(bytes, { maxSize: bytes.length });
});

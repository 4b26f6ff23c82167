import { describe, expect, it } from 'vitest';
import { filterBit, splitXattrName } from '../src/xattr-name.ts';
import { xxh32 } from '../src/xxh32.ts';
import { index } from './vectors.ts';

describe('xxh32', () => {
  it.each(index.xxh32)('of "$data" with seed $seed', ({ data, seed, hash }) => {
    expect(xxh32(Buffer.from(data), seed).toString(16).padStart(8, '0')).toBe(hash);
  });
});

describe('name filter', () => {
  it.each(index.name_filter.names)('$name', ({ name, epoch1, v2 }) => {
    for (const [version, { bit, ...split }] of [
      [0, epoch1],
      [1, epoch1],
      [2, v2],
    ] as const) {
      expect(splitXattrName(name, version)).toEqual(split);
      expect(filterBit(split) >>> 0).toBe(2 ** bit);
    }
  });
});

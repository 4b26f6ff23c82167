import { describe, expect, it } from 'vitest';
import { imageId, writeImage } from '../src/index.ts';
import { treeOf } from './vectors.ts';

/** Bytes at offsets, as the annotated example of the format description has them. */
const V2: readonly (readonly [offset: number, hex: string])[] = [
  [0x0, '9a6278d0 01000000 00000000 02000000'],
  [0x400, 'e2e1f5e0 00000000 06000000 0c 00 2400 0300000000000000 0000000000000000 00000000 01000000 00000000 00000000'],
  [0x480, '0500 0200 ed41 0000 3500000000000000 00000000 24000000 00000000 00000000 e803000000000000 00000000 02000000'],
  [0x4c0, 'ffffdfff 01 00000000000000 98010000'],
  [0x4d0, '2400000000000000 3000 02 00 2400000000000000 3100 02 00 2900000000000000 3300 01 00 2c00000000000000 3400 01 00'],
  [0x500, '2e 2e2e 66 78'],
  [0x520, '0500 0200 a481'],
  [0x570, '68656c6c6f'],
  [0x580, '0900 2500 ed81 0000 6400000000000000 1f000000'],
  [0x5c0, 'fffffd7f 00 00000000000000 10 04 2400'],
  [0x65c, 'ffffffff 01 01 0100 61 31 0000'],
];
const V1: readonly (readonly [offset: number, hex: string])[] = [
  [0x480, '0000 0700 ed41 0200 00100000'],
  [0x490, '03000000'],
  [0x4a0, 'ffffcfff 01 00000000000000 80010000'],
  [0x4e0, '0000 0000 a421 0100 00000000 00000000 00000000 01000000'],
  [0x2520, '0900 2500 ed81'],
  [0x2600, '01 01 0100 61 31 0000'],
];

describe.each([
  { version: 2, size: 4096, id: '88f20c69', bytes: V2 },
  { version: 1, size: 16384, id: '933085f7', bytes: V1 },
] as const)('format $version', ({ version, size, id, bytes }) => {
  const image = writeImage(treeOf('worked-example'), { version });

  it('has size and id', () => expect([image.length, imageId(image, 'sha256').slice(0, 8)]).toEqual([size, id]));

  it.each(bytes)('at %i: %s', (offset, hex) => {
    const wanted = Buffer.from(hex.replaceAll(' ', ''), 'hex');
    expect(Buffer.from(image.subarray(offset, offset + wanted.length)).toString('hex')).toBe(wanted.toString('hex'));
  });
});

it('format 0 differs from format 1 in one byte', () => {
  const zero = writeImage(treeOf('worked-example'), { version: 0 });
  const one = writeImage(treeOf('worked-example'), { version: 1 });
  expect([...zero.keys()].filter((offset) => zero[offset] !== one[offset])).toEqual([12]);
});

import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decode, encode, fromHex, i64, i64Big, toHex, u16, u32, u64, u64Big, u8, type Field } from '../src/index.ts';

const numbers: [string, Field<number>, number, string][] = [
  ['u8', u8, 0, '00'],
  ['u8 largest', u8, 0xff, 'ff'],
  ['u16', u16, 0x0102, '0201'],
  ['u16 largest', u16, 0xffff, 'ffff'],
  ['u32', u32, 0x01020304, '04030201'],
  ['u32 largest', u32, 0xffffffff, 'ffffffff'],
  ['u64', u64, 0x1_02030405, '0504030201000000'],
  ['u64 largest', u64, 2 ** 53 - 1, 'ffffffffffff1f00'],
  ['i64', i64, -2, 'feffffffffffffff'],
  ['i64 smallest', i64, -(2 ** 53 - 1), '010000000000e0ff'],
  ['i64 largest', i64, 2 ** 53 - 1, 'ffffffffffff1f00'],
];
const bigints: [string, Field<bigint>, bigint, string][] = [
  ['u64Big', u64Big, 0x0102030405060708n, '0807060504030201'],
  ['u64Big largest', u64Big, 2n ** 64n - 1n, 'ffffffffffffffff'],
  ['i64Big', i64Big, -1n, 'ffffffffffffffff'],
  ['i64Big smallest', i64Big, -(2n ** 63n), '0000000000000080'],
];

describe('integers are little-endian', () => {
  it.each(numbers)('%s', (_, field, value, bytes) => {
    expect(toHex(encode(field, value))).toBe(bytes);
    expect(decode(field, fromHex(bytes))).toBe(value);
  });
  it.each(bigints)('%s', (_, field, value, bytes) => {
    expect(toHex(encode(field, value))).toBe(bytes);
    expect(decode(field, fromHex(bytes))).toBe(value);
  });
});

describe('values that do not fit are not wrapped around', () => {
  it.each([
    ['u8', u8, 256],
    ['u8', u8, -1],
    ['u16', u16, 0x10000],
    ['u32', u32, 2 ** 32],
    ['u32', u32, 1.5],
    ['u32', u32, Number.NaN],
    ['u64', u64, 2 ** 53],
    ['u64', u64, -1],
    ['i64', i64, -(2 ** 53)],
  ] as const)('%s refuses to write %s', (_, field, value) => {
    expect(() => encode(field, value)).toThrow(RangeError);
  });
  it.each([
    ['u64Big', u64Big, -1n],
    ['u64Big', u64Big, 2n ** 64n],
    ['i64Big', i64Big, 2n ** 63n],
  ] as const)('%s refuses to write %s', (_, field, value) => {
    expect(() => encode(field, value)).toThrow(RangeError);
  });
  it.each([
    ['u64', u64, '0000000000002000'],
    ['u64', u64, 'ffffffffffffffff'],
    ['i64', i64, '0000000000002000'],
    ['i64', i64, '000000000000e0ff'],
  ] as const)('%s refuses to read %s', (_, field, bytes) => {
    expect(() => decode(field, fromHex(bytes))).toThrow(expect.objectContaining({ code: 'OUT_OF_RANGE', offset: 0 }));
  });
});

it('reads back every number it writes', () => {
  fc.assert(
    fc.property(fc.maxSafeInteger(), (value) => {
      expect(decode(i64, encode(i64, value))).toBe(value);
      expect(decode(u64, encode(u64, Math.abs(value)))).toBe(Math.abs(value));
      expect(decode(u64Big, encode(u64, Math.abs(value)))).toBe(BigInt(Math.abs(value)));
    }),
  );
});

import * as fc from 'fast-check';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { ascii, bytes, decode, DecodeError, encode, fromHex, struct, toHex, u16, u64, u64Big, u8, type Infer } from '../src/index.ts';
import { outcome } from './outcome.ts';

// The splitstream header of composefs: a structure with a nested one.
const fileRange = struct({ start: u64, end: u64 });
const header = struct({ magic: ascii(11), version: u8, flags: u16, algorithm: u8, logBlockSize: u8, info: fileRange });
const value = { magic: 'SplitStream', version: 0, flags: 0, algorithm: 1, logBlockSize: 12, info: { start: 32, end: 144 } };
const bytesOfValue = '53706c697453747265616d 00 0000 01 0c 2000000000000000 9000000000000000'.replaceAll(' ', '');

describe('struct', () => {
  it('has the fields one after the other', () => {
    expect(header.size).toBe(32);
    expect(header.offsets).toEqual({ magic: 0, version: 11, flags: 12, algorithm: 14, logBlockSize: 15, info: 16 });
  });
  it('writes and reads the same bytes', () => {
    expect(toHex(encode(header, value))).toBe(bytesOfValue);
    expect(decode(header, fromHex(bytesOfValue))).toEqual(value);
  });
  it('gives its type', () => {
    expectTypeOf<Infer<typeof fileRange>>().toEqualTypeOf<{ start: number; end: number }>();
  });
  it('reads at an offset, also of a view into a larger buffer', () => {
    const padded = fromHex(`ffffff${bytesOfValue}ff`);
    expect(decode(header, padded, 3)).toEqual(value);
    expect(decode(header, padded.subarray(1), 2)).toEqual(value);
  });
  it('names the place of a bad value', () => {
    const broken = fromHex(bytesOfValue);
    broken.fill(0xff, 24);
    expect(() => decode(header, broken)).toThrow(expect.objectContaining({ code: 'OUT_OF_RANGE', offset: 24 }));
  });
  it('refuses every shorter input', () => {
    const whole = fromHex(bytesOfValue);
    for (let length = 0; length < whole.length; length++) {
      expect(() => decode(header, whole.subarray(0, length))).toThrow(
        expect.objectContaining({
          name: 'DecodeError',
          code: 'TRUNCATED',
          offset: 0,
          message: `wanted 32 bytes, found ${length} at offset 0`,
        }),
      );
    }
  });
  it('gives a value or a DecodeError for any bytes, and the same bytes again', () => {
    const record = struct({ id: u64Big, range: fileRange, name: bytes(3) });
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (input) => {
        const result = outcome(() => toHex(encode(record, decode(record, input))));
        const found = 'value' in result ? result.value : result.error instanceof DecodeError;
        expect(found).toBe('value' in result ? toHex(input.subarray(0, record.size)) : true);
      }),
    );
  });
});

describe('ascii', () => {
  it('reads any byte, so that a foreign magic is just another text', () => {
    expect(decode(ascii(3), fromHex('80ff00'))).toBe('\u0080\u00ff\0');
  });
  it.each(['ab', 'abcd', 'abü'])('refuses to write %j as three characters', (text) => {
    expect(() => encode(ascii(3), text)).toThrow(RangeError);
  });
});

describe('bytes', () => {
  it('gives a copy', () => {
    const input = fromHex('010203');
    const output = decode(bytes(3), input);
    input.fill(0);
    expect(toHex(output)).toBe('010203');
  });
  it('refuses to write another length', () => {
    expect(() => encode(bytes(3), fromHex('0102'))).toThrow(RangeError);
  });
});

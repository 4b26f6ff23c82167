import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Cursor, DecodeError, fromHex, toHex, u16, u32, u64, u8 } from '../src/index.ts';
import { outcome } from './outcome.ts';

describe('Cursor', () => {
  it('goes through a buffer from front to back', () => {
    const cursor = new Cursor(fromHex('00010203040506'), 1);
    expect(cursor.read(u8)).toBe(1);
    cursor.skip(1);
    expect(toHex(cursor.take(2))).toBe('0304');
    expect([cursor.offset, cursor.remaining]).toEqual([5, 2]);
    expect(cursor.read(u16)).toBe(0x0605);
    expect(cursor.remaining).toBe(0);
    expect(toHex(cursor.take(0))).toBe('');
  });
  it('gives views, not copies', () => {
    const buffer = fromHex('0102');
    new Cursor(buffer).take(1)[0] = 9;
    expect(buffer[0]).toBe(9);
  });
  it('stays where it was when something fails', () => {
    const cursor = new Cursor(fromHex('ffffffffffffffff'));
    cursor.skip(4);
    const truncated = expect.objectContaining({ code: 'TRUNCATED', offset: 4 });
    expect(() => cursor.read(u64)).toThrow(truncated);
    expect(() => cursor.take(5)).toThrow(truncated);
    expect(() => cursor.skip(Number.MAX_SAFE_INTEGER)).toThrow(truncated);
    expect(cursor.read(u32)).toBe(0xffffffff);
    const bad = new Cursor(fromHex('ffffffffffffffff'));
    expect(() => bad.read(u64)).toThrow(expect.objectContaining({ code: 'OUT_OF_RANGE' }));
    expect(bad.offset).toBe(0);
  });
  it('refuses a start behind the end', () => {
    expect(() => new Cursor(fromHex('00'), 2)).toThrow(expect.objectContaining({ code: 'TRUNCATED', offset: 1 }));
  });
  it.each([-1, 0.5, Number.NaN])('takes %s for a mistake of the caller', (length) => {
    expect(() => new Cursor(fromHex('00')).take(length)).toThrow(RangeError);
  });
  it('never leaves the buffer', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 20 }), fc.array(fc.nat(10)), (buffer, lengths) => {
        const cursor = new Cursor(buffer);
        const results = lengths.map((length) => outcome(() => toHex(cursor.take(length))));
        const taken = results.flatMap((result) => ('value' in result ? result.value : []));
        const errors = results.flatMap((result) => ('error' in result ? [result.error] : []));
        expect(errors).toEqual(errors.map(() => expect.any(DecodeError)));
        expect(toHex(buffer.subarray(0, cursor.offset))).toBe(taken.join(''));
        expect(cursor.offset + cursor.remaining).toBe(buffer.length);
      }),
    );
  });
});

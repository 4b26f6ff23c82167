import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareBytes, compareUtf8, concatBytes, fromHex, fromLatin1, toHex, toLatin1 } from '../src/index.ts';

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('hex', () => {
  it('is what node:buffer makes of it', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(toHex(bytes)).toBe(Buffer.from(bytes).toString('hex'));
        expect(fromHex(toHex(bytes))).toEqual(bytes);
        expect(fromHex(toHex(bytes).toUpperCase())).toEqual(bytes);
      }),
    );
  });
  it.each([
    ['TRUNCATED', 'abc', 3],
    ['OUT_OF_RANGE', '0g', 1],
    ['OUT_OF_RANGE', ' 0', 0],
    ['OUT_OF_RANGE', '0\u0110', 1],
    ['OUT_OF_RANGE', '@0', 0],
    ['OUT_OF_RANGE', '1\u0011', 1],
  ])('refuses with %s: %j', (code, text, offset) => {
    expect(() => fromHex(text)).toThrow(expect.objectContaining({ code, offset }));
  });
});

describe('latin1', () => {
  it('keeps every byte', () => {
    const all = Uint8Array.from({ length: 256 }, (_, i) => i);
    expect(toLatin1(all)).toBe(Buffer.from(all).toString('latin1'));
    expect(fromLatin1(toLatin1(all))).toEqual(all);
  });
  it('takes long input in pieces', () => {
    const long = new Uint8Array(1_000_001).fill(0xe9);
    expect(toLatin1(long)).toBe('é'.repeat(1_000_001));
  });
  it('refuses characters that are no bytes', () => {
    expect(() => fromLatin1('a\u0100')).toThrow(RangeError);
  });
});

describe('orders', () => {
  it('compareBytes is memcmp', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 4 }), fc.uint8Array({ maxLength: 4 }), (a, b) => {
        expect(Math.sign(compareBytes(a, b))).toBe(Buffer.compare(a, b));
      }),
    );
  });
  it('compareUtf8 is the order of the encoded texts', () => {
    const text = fc.string({
      unit: fc.constantFrom('a', '\u007f', '\u0080', '\ud7ff', '\ue000', '\uffff', '\u{10000}', '\u{10ffff}'),
      maxLength: 5,
    });
    fc.assert(
      fc.property(text, text, (a, b) => {
        expect(Math.sign(compareUtf8(a, b))).toBe(Math.sign(compareBytes(utf8(a), utf8(b))));
      }),
      { numRuns: 1000 },
    );
  });
});

it('concatBytes joins chunks into a buffer of its own', () => {
  const chunk = fromHex('0102');
  const whole = concatBytes([chunk, fromHex(''), fromHex('03')]);
  chunk.fill(0);
  expect(toHex(whole)).toBe('010203');
  expect(concatBytes([]).byteLength).toBe(0);
});

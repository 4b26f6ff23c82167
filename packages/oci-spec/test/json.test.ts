import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MAX_JSON_SIZE, OciSpecError, parseJson } from '../src/index.ts';
import { json, utf8 } from './bytes.ts';
import { outcome } from './outcome.ts';

const nested = (depth: number): Uint8Array => utf8('['.repeat(depth) + ']'.repeat(depth));

describe('parseJson', () => {
  it.each([
    '{}',
    '[]',
    ' {"a":1,"b":{"a":2},"c":[{"a":3},{"a":4}]} ',
    '{"a":"a","b":"\\"a\\":"}',
    '{"a":["a","a"]}',
    '{"\\u0061b":1,"a":2}',
    '"\\\\"',
    '{"":1}',
    '12',
  ])('takes %s', (text) => {
    expect(parseJson(utf8(text))).toEqual(JSON.parse(text));
  });
  it.each([
    ['DUPLICATE_KEY', '{"a":1,"a":1}'],
    ['DUPLICATE_KEY', '{"a":1,"b":2,"a":3}'],
    ['DUPLICATE_KEY', '{"a" : 1,\n"a"\t: 2}'],
    ['DUPLICATE_KEY', '{"x":[{"a":{"b":1,"b":2}}]}'],
    ['DUPLICATE_KEY', '{"a":1,"\\u0061":2}'],
    ['DUPLICATE_KEY', '{"\\/":1,"/":2}'],
    ['DUPLICATE_KEY', '{"a":{"a":1},"a":2}'],
    ['DUPLICATE_KEY', '{"__proto__":1,"__proto__":2}'],
    ['INVALID_JSON', ''],
    ['INVALID_JSON', '{'],
    ['INVALID_JSON', '{"a"'],
    ['INVALID_JSON', '{"a":1,}'],
    ['INVALID_JSON', '{a:1}'],
    ['INVALID_JSON', '"\\'],
    ['INVALID_JSON', '{"\\u00":1}'],
    ['INVALID_JSON', '{"a":1}}'],
    ['INVALID_JSON', ']'],
    ['INVALID_JSON', '\ufeff{}'],
    ['INVALID_JSON', '{} {}'],
    ['INVALID_JSON', 'NaN'],
  ])('refuses with %s: %j', (code, text) => {
    expect(() => parseJson(utf8(text))).toThrow(expect.objectContaining({ code }));
  });
  it('says where a key comes again', () => {
    expect(() => parseJson(utf8('{"size":1,"size":2}'))).toThrow(
      expect.objectContaining({ offset: 10, message: 'wanted each key once, found "size" again' }),
    );
  });
  it.each([
    ['a byte that is not UTF-8', [0x22, 0xff, 0x22]],
    ['an overlong slash', [0x22, 0xc0, 0xaf, 0x22]],
    ['a surrogate', [0x22, 0xed, 0xa0, 0x80, 0x22]],
    ['UTF-16', [0xff, 0xfe, 0x7b, 0x00, 0x7d, 0x00]],
  ])('refuses %s', (_, bytes) => {
    expect(() => parseJson(Uint8Array.from(bytes))).toThrow(expect.objectContaining({ code: 'INVALID_UTF8' }));
  });
  it('has limits', () => {
    expect(() => parseJson(nested(128))).not.toThrow();
    expect(() => parseJson(nested(129))).toThrow(expect.objectContaining({ code: 'TOO_DEEP', offset: 128 }));
    expect(() => parseJson(nested(2_000_000))).toThrow(expect.objectContaining({ code: 'TOO_DEEP' }));
    const longest = new Uint8Array(MAX_JSON_SIZE).fill(0x20);
    longest[0] = 0x31;
    expect(parseJson(longest)).toBe(1);
    expect(() => parseJson(new Uint8Array(MAX_JSON_SIZE + 1))).toThrow(expect.objectContaining({ code: 'TOO_LARGE' }));
  });
  it('gives what JSON.parse gives', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5 }), (value) => {
        expect(parseJson(json(value))).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });
  it('finds a duplicate wherever it is', () => {
    const names = fc.array(fc.string({ maxLength: 3 }), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(names, fc.nat(5), fc.boolean(), (keys, depth, twice) => {
        const unique = [...new Set(keys)];
        const members = (twice ? [...unique, unique[0]] : unique).map((key) => `${JSON.stringify(key)}: ["x", {}]`);
        const text = '{"outer":['.repeat(depth) + `{${members.join(',')}}` + ']}'.repeat(depth);
        const result = outcome(() => parseJson(utf8(text)));
        expect('error' in result && (result.error as OciSpecError).code).toBe(twice && 'DUPLICATE_KEY');
      }),
    );
  });
  it('gives a value or a typed error for any input', () => {
    const soup = fc.array(fc.constantFrom('{', '}', '[', ']', '"', ':', ',', '\\', 'a', '1', ' '), { maxLength: 12 });
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array(),
          soup.map((parts) => utf8(parts.join(''))),
        ),
        (bytes) => {
          const result = outcome(() => parseJson(bytes));
          expect('value' in result || result.error instanceof OciSpecError).toBe(true);
        },
      ),
      { numRuns: 2000 },
    );
  });
});

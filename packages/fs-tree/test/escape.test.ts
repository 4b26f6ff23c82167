import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { escapeBytes, escapeField, escapeXattr, unescapeBytes } from '../src/index.ts';
import { byteString } from './arbitraries.ts';

it.each([
  ['\\', '\\\\'],
  ['\n', '\\n'],
  ['\r', '\\r'],
  ['\t', '\\t'],
  [' ', '\\x20'],
  ['\0', '\\x00'],
  ['\x0b', '\\x0b'],
  ['\x7f', '\\x7f'],
  ['\xff', '\\xff'],
  ['\xc3\xa9', '\\xc3\\xa9'],
  ['!"#$%&\'()*+,-./09:;<>?@AZ[]^_`az{|}~', '!"#$%&\'()*+,-./09:;<>?@AZ[]^_`az{|}~'],
  ['a b\\c', 'a\\x20b\\\\c'],
])('%j is written %s', (bytes, text) => {
  expect([escapeBytes(bytes), escapeXattr(bytes), escapeField(bytes)]).toEqual([text, text, text]);
  expect(unescapeBytes(text)).toBe(bytes);
});

it('an equals sign is escaped in attributes only', () => {
  expect([escapeBytes('a=b'), escapeField('='), escapeXattr('a=b=')]).toEqual(['a=b', '=', 'a\\x3db\\x3d']);
});

it('absent, empty and a dash are told apart where fields may be absent', () => {
  expect([escapeField(undefined), escapeField(''), escapeField('-'), escapeField('--')]).toEqual(['-', '-', '\\x2d', '--']);
  expect([escapeXattr(''), escapeXattr('-'), escapeBytes('')]).toEqual(['', '-', '']);
});

describe('unescaping', () => {
  it.each([
    ['\\x2D\\xfF', '-\xff'],
    ['\\x5cn', '\\n'],
    ['\\\\x41', '\\x41'],
  ])('%s is %j', (text, bytes) => {
    expect(unescapeBytes(text)).toBe(bytes);
  });

  it.each(['\\', 'a\\', '\\\\\\', '\\x', '\\x4', '\\x+f', '\\xg0', '\\q', '\\0', '\\X41', '\\N'])('%s is no text', (text) => {
    expect(unescapeBytes(text)).toBeUndefined();
  });
});

it('every byte string comes back, and its text is printable ASCII', () => {
  fc.assert(
    fc.property(byteString, (bytes) => {
      for (const escape of [escapeBytes, escapeXattr]) {
        expect(escape(bytes)).toMatch(/^[\x21-\x7e]*$/);
        expect(unescapeBytes(escape(bytes))).toBe(bytes);
      }
      expect(escapeXattr(bytes)).not.toContain('=');
    }),
  );
});

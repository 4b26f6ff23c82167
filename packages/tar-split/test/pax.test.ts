import { describe, expect, it } from 'vitest';
import { parsePax } from '../src/pax.ts';
import { ascii, paxRecord, text } from './support.ts';

const parse = (...records: string[]) => parsePax(ascii(records.join('')), 7);

function failure(...records: string[]): object {
  try {
    parse(...records);
  } catch (error) {
    return error as object;
  }
  throw new Error('accepted');
}

describe('records', () => {
  it.each(['', ' ', 'x 1=2\n', '-3 a=b\n', '\0\0\0', '99999999999999999999999 a=b\n', '5'])('%j ends the list', (tail) => {
    expect(parse(paxRecord('path', 'kept'), tail)).toMatchObject({ path: ascii('kept'), nanoseconds: 0, sparse: false, xattrs: [] });
  });

  it.each(['7 a=b\n', '5 a=b\n', '6 a=b;', '6 abc\n', '0 a=b\n', '2 a=b\n', '3 \n', '99 a=b\n'])('%j is malformed', (record) => {
    expect(failure(record)).toMatchObject({ code: 'INVALID_PAX', offset: 7, message: 'PAX error: malformed PAX extension record' });
  });

  it('the equals sign must be in the record', () => {
    expect(failure('5 ab\n', paxRecord('path', 'x'))).toMatchObject({ code: 'INVALID_PAX' });
  });

  it('a length may have a plus sign and zeros in front', () => {
    expect(text(parse('+11 path=x\n').path!)).toBe('x');
    expect(text(parse('0012 path=x\n').path!)).toBe('x');
  });

  it('keys are UTF-8, values are bytes', () => {
    expect(failure(paxRecord('SCHILY.xattr.user.\xff', 'v'))).toMatchObject({ code: 'INVALID_PAX', message: 'invalid UTF-8 in PAX key' });
    expect(parse(paxRecord('SCHILY.xattr.user.\xc3\xa9', '\xff')).xattrs).toEqual([{ name: ascii('user.\xc3\xa9'), value: ascii('\xff') }]);
  });
});

describe('numbers', () => {
  it.each<['size' | 'uid' | 'gid', string, number]>([
    ['size', '0', 0],
    ['size', '+12', 12],
    ['size', '00000000000000000000000012', 12],
    ['size', '9007199254740480', 9007199254740480],
    ['uid', '4294967296', 0],
    ['gid', '18446744073709551615', 2 ** 32 - 1],
  ])('%s %s', (key, value, number) => {
    expect(parse(paxRecord(key, value))[key]).toBe(number);
  });

  it.each<[string, string]>([
    ['size', ''],
    ['size', '+'],
    ['size', '-1'],
    ['size', '1.0'],
    ['uid', '18446744073709551616'],
    ['gid', ' 1'],
    ['mtime', '-0.5'],
    ['mtime', '.5'],
    ['mtime', '1e3'],
    ['GNU.sparse.major', 'x'],
    ['GNU.sparse.minor', ''],
    ['GNU.sparse.realsize', '?'],
    ['GNU.sparse.offset', '?'],
    ['GNU.sparse.numbytes', '?'],
  ])('%s %j is none', (key, value) => {
    expect(failure(paxRecord(key, value))).toMatchObject({
      code: 'INVALID_PAX_VALUE',
      offset: 7,
      message: `invalid PAX ${key} value: "${value}"`,
    });
  });

  it('the value of an error is shown as text, or not at all', () => {
    expect(failure(paxRecord('uid', '\xc3\xa9'))).toMatchObject({ message: 'invalid PAX uid value: "é"' });
    expect(failure(paxRecord('uid', '\xff'))).toMatchObject({ message: 'invalid PAX uid value: "<non-UTF-8>"' });
    expect(failure(paxRecord('mtime', '1.\xff'))).toMatchObject({ message: 'invalid PAX mtime value: "<non-UTF-8>"' });
  });

  it('a size above what can be counted is an invalid size', () => {
    expect(failure(paxRecord('size', '9007199254740481'))).toMatchObject({
      code: 'INVALID_SIZE',
      message: 'invalid entry size: 9007199254740481',
    });
  });

  it('a time above 2^63 is a negative one', () => {
    expect(parse(paxRecord('mtime', '18446744073709551615')).mtime).toBe(-1n);
  });
});

describe('nanoseconds', () => {
  it.each<[string, number]>([
    ['1.', 0],
    ['1.x', 0],
    ['1.5x', 0],
    ['1.5.7', 0],
    ['1.12345678\xc3\xa9', 0],
    ['1.123456789x', 123456789],
    ['1.+5', 0],
    ['1.05', 50000000],
  ])('%j', (value, nanoseconds) => {
    expect(parse(paxRecord('mtime', value)).nanoseconds).toBe(nanoseconds);
  });

  it('come from the first record, seconds from the last', () => {
    expect(parse(paxRecord('mtime', '1.25'), paxRecord('mtime', '2.5'))).toMatchObject({ mtime: 2, nanoseconds: 250000000 });
  });
});

describe('sparse maps', () => {
  it.each<[string, boolean, string[]]>([
    ['1.0', true, [paxRecord('GNU.sparse.major', '1'), paxRecord('GNU.sparse.minor', '0')]],
    ['0.1', false, [paxRecord('GNU.sparse.major', '0'), paxRecord('GNU.sparse.minor', '1')]],
    ['a map', true, [paxRecord('GNU.sparse.map', '0,1')]],
    ['an offset and a length', true, [paxRecord('GNU.sparse.offset', '0'), paxRecord('GNU.sparse.numbytes', '1')]],
    ['a length and an offset', false, [paxRecord('GNU.sparse.numbytes', '1'), paxRecord('GNU.sparse.offset', '0')]],
    ['sizes only', false, [paxRecord('GNU.sparse.realsize', '1'), paxRecord('GNU.sparse.size', '1')]],
  ])('%s', (_, sparse, records) => {
    expect(parse(...records).sparse).toBe(sparse);
  });
});

it('the last of two records with one key counts', () => {
  expect(text(parse(paxRecord('path', 'a'), paxRecord('path', '')).path!)).toBe('');
  expect(parse(paxRecord('SCHILY.xattr.a', '1'), paxRecord('SCHILY.xattr.a', '2')).xattrs).toEqual([
    { name: ascii('a'), value: ascii('2') },
  ]);
});

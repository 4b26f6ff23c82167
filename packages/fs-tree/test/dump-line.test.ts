import { describe, expect, it } from 'vitest';
import { formatDumpLine, formatHardLinkLine, type DumpLine } from '../src/index.ts';

const line: DumpLine = {
  path: '/a',
  size: 0,
  mode: 0o100644,
  nlink: 1,
  uid: 0,
  gid: 0,
  rdev: 0,
  mtime: { seconds: 0n, nanoseconds: 0 },
  xattrs: [],
};

describe('a line', () => {
  it.each<[string, Partial<DumpLine>, string]>([
    ['of an empty file', {}, '/a 0 100644 1 0 0 0 0.0 - - -'],
    ['of the root', { path: '/', mode: 0o40755, nlink: 3 }, '/ 0 40755 3 0 0 0 0.0 - - -'],
    ['of the root of a layer', { path: '', mode: 0o40755 }, '- 0 40755 1 0 0 0 0.0 - - -'],
    ['of a whole number of seconds before 1970', { mtime: { seconds: -352n, nanoseconds: 5 } }, '/a 0 100644 1 0 0 0 -352.5 - - -'],
    ['with one nanosecond', { mtime: { seconds: 5n, nanoseconds: 1 } }, '/a 0 100644 1 0 0 0 5.1 - - -'],
    ['of a 64-bit device', { mode: 0o20644, rdev: 17592187092992n }, '/a 0 20644 1 0 0 17592187092992 0.0 - - -'],
    ['with a dash as target', { mode: 0o120777, payload: '-', size: 1 }, '/a 1 120777 1 0 0 0 0.0 \\x2d - -'],
    ['with a dash as content', { content: '-', size: 1 }, '/a 1 100644 1 0 0 0 0.0 - \\x2d -'],
    ['with bytes above ASCII', { path: '/\xc3\xa9 b' }, '/\\xc3\\xa9\\x20b 0 100644 1 0 0 0 0.0 - - -'],
    [
      'with attributes, as they come',
      {
        xattrs: [
          ['user.z=', '='],
          ['user.a', '-'],
          ['user.e', ''],
        ],
      },
      '/a 0 100644 1 0 0 0 0.0 - - - user.z\\x3d=\\x3d user.a=- user.e=',
    ],
    ['with a digest', { payload: 'ab/cd', digest: 'abcd', size: 65 }, '/a 65 100644 1 0 0 0 0.0 ab/cd - abcd'],
  ])('%s', (_, fields, text) => {
    expect(formatDumpLine({ ...line, ...fields })).toBe(text);
  });
});

it('a hard link is bare, or repeats the fields of its target', () => {
  expect(formatHardLinkLine('/b', '/a')).toBe('/b 0 @120000 - - - - 0.0 /a - -');
  expect(formatHardLinkLine('/h', '')).toBe('/h 0 @120000 - - - - 0.0 - - -');
  expect(formatHardLinkLine('/b', '/a', { ...line, size: 3, nlink: 2, content: 'abc' })).toBe('/b 3 @100644 2 0 0 0 0.0 /a abc -');
});

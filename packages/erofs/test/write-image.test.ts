import { Directory, parseDumpfile, type FileContent, type Leaf } from '@cfskit/fs-tree';
import { describe, expect, it } from 'vitest';
import { dumpImage, openImage, readTree, writeImage, type WriteOptions } from '../src/index.ts';
import { device, directory, file, inline, stat, symlink, xattrs } from './trees.ts';
import { dump, failure, treeOf } from './vectors.ts';

const ID = 'ab'.repeat(32);
const external = (fields: Partial<Extract<FileContent, { kind: 'external' }>> = {}): Leaf =>
  file({ kind: 'external', objectId: ID, size: 100, ...fields });

it('writes format 1 of composefs-rs by default', () => {
  const tree = treeOf('mixed-1');
  expect(writeImage(tree)).toEqual(writeImage(tree, { version: 1, profile: 'rs' }));
});

it('has no format 2 of mkcomposefs', () => {
  expect(() => writeImage(directory(), { version: 2, profile: 'c' })).toThrow(RangeError);
});

it('leaves the tree as it is, and other images of it too', () => {
  const tree = treeOf('whiteouts');
  const before = dump(tree);
  const images = ([0, 1, 2] as const).map((version) => writeImage(tree, { version }));
  expect(([0, 1, 2] as const).map((version) => writeImage(tree, { version }))).toEqual(images);
  expect(dump(tree)).toBe(before);
});

describe('refuses', () => {
  const linkedWhiteout = device(0);
  const deep = directory();
  let bottom = deep;
  for (let depth = 1; depth <= 2048; depth++) {
    const next = directory();
    bottom.insert('d', next);
    bottom = next;
  }
  const manyShared = xattrs(Object.fromEntries(Array.from({ length: 256 }, (_, i) => [`user.${i}`, ''])));

  const cases: readonly [what: string, tree: Directory, path: string, options?: WriteOptions][] = [
    ['a whiteout with two names', directory({ a: linkedWhiteout, b: linkedWhiteout }), '/a'],
    ['a whiteout with two names, format 2', directory({ a: linkedWhiteout, b: linkedWhiteout }), '/a', { version: 2 }],
    ['an empty link target', directory({ a: symlink('') }), '/a'],
    ['a link target with NUL', directory({ a: symlink('x\0y') }), '/a'],
    ['a link target of 4096 bytes', directory({ a: symlink('t'.repeat(4096)) }), '/a'],
    ['a link target of 1025 bytes, format 2', directory({ a: symlink('t'.repeat(1025)) }), '/a', { version: 2 }],
    ['content of 5001 bytes', directory({ a: inline('c'.repeat(5001)) }), '/a'],
    ['content of 513 bytes, format 2', directory({ d: directory({ a: inline('c'.repeat(513)) }) }), '/d/a', { version: 2 }],
    ['a file of more than 1024 chunks', directory({ a: external({ size: 2 ** 53 + 2 }) }), '/a'],
    ['a size that is no integer', directory({ a: external({ size: 1.5 }) }), '/a'],
    ['a negative size', directory({ a: external({ size: -1 }) }), '/a'],
    ['a device number of 33 bits', directory({ a: device(2 ** 32) }), '/a'],
    ['an owner of 33 bits', directory({ a: inline('', { uid: 2 ** 32 }) }), '/a'],
    ['a negative group', directory({ a: inline('', { gid: -1 }) }), '/a'],
    ['nanoseconds of more than a second', directory({ a: inline('', { mtime: { seconds: 0n, nanoseconds: 1e9 } }) }), '/a'],
    ['a time of 65 bits', directory({ a: inline('', { mtime: { seconds: 2n ** 63n, nanoseconds: 0 } }) }), '/a'],
    ['an attribute without a name', directory({ a: inline('', { xattrs: xattrs({ '': 'v' }) }) }), '/a'],
    ['an attribute name of 256 bytes', directory({ a: inline('', { xattrs: xattrs({ ['user.'.padEnd(256, 'x')]: '' }) }) }), '/a'],
    ['32768 bytes of attributes', directory({ a: inline('', { xattrs: xattrs({ 'user.a': 'v'.repeat(32743) }) }) }), '/a'],
    ['256 shared attributes', directory({ a: inline('', { xattrs: manyShared }), b: inline('', { xattrs: manyShared }) }), '/a'],
    ['2048 levels of directories', deep, `/${'d/'.repeat(2048).slice(0, -1)}`],
    ['object ids of two algorithms', directory({ a: external(), b: external({ objectId: 'cd'.repeat(64) }) }), '/b'],
    ['a payload that names no object', directory({ a: file({ kind: 'external-no-verity', payload: 'foo/bar', size: 1 }) }), '/a'],
  ];

  it.each(cases)('%s', (_, tree, path, options = {}) => {
    expect(failure(() => writeImage(tree, options))).toMatchObject({ code: 'UNWRITABLE', path });
  });

  it('object ids that are none, as the mistake of a caller', () => {
    expect(() => writeImage(directory({ a: external({ objectId: 'AB'.repeat(32) }) }))).toThrow(TypeError);
    expect(() => writeImage(directory({ a: external({ objectId: 'ab' }) }))).toThrow(TypeError);
  });

  it('mkcomposefs repeats what does not fit the 128 references', () => {
    const tree = directory({ a: inline('', { xattrs: manyShared }), b: inline('', { xattrs: manyShared }) });
    expect(dump(readTree(openImage(writeImage(tree, { profile: 'c' }))))).toBe(dump(tree));
  });
});

describe('at the limit', () => {
  const cases: readonly [what: string, tree: Directory, options?: WriteOptions][] = [
    ['a link target of 4095 bytes', directory({ a: symlink('t'.repeat(4095)) })],
    ['content of 5000 bytes', directory({ a: inline('c'.repeat(5000)) })],
    ['content of 512 bytes, format 2', directory({ a: inline('c'.repeat(512)) }), { version: 2 }],
    ['1024 chunks', directory({ a: external({ size: 2 ** 53 }) })],
    [
      'the greatest numbers',
      directory({
        a: device(2 ** 32 - 1, { uid: 2 ** 32 - 1, gid: 2 ** 32 - 1, mtime: { seconds: 2n ** 63n - 1n, nanoseconds: 999_999_999 } }),
      }),
    ],
    ['the earliest time', directory({ a: device(1, { mtime: { seconds: -(2n ** 63n), nanoseconds: 0 } }) })],
    ['names of 255 bytes', directory({ ['n'.repeat(255)]: inline('', { xattrs: xattrs({ ['user.'.padEnd(255, 'x')]: '' }) }) })],
    ['32767 bytes of attributes', directory({ a: inline('', { xattrs: xattrs({ 'user.a': 'v'.repeat(32742) }) }) })],
    [
      'names that sort before the dots',
      directory({ '!': inline(''), '+': inline(''), '-': directory({ '\u0001': inline('') }), '...': inline('') }),
    ],
  ];

  it.each(cases)('%s', (_, tree, options) => {
    expect(dump(readTree(openImage(writeImage(tree, options))))).toBe(dump(tree));
  });
});

describe('the payload of an external file', () => {
  const objectPath = `${ID.slice(0, 2)}/${ID.slice(2)}`;
  it('is the path of the object for composefs-rs', () => {
    const tree = directory({ f1: external(), f2: external({ payload: 'other' }), f3: external({ payload: '' }) });
    expect(payloads(tree, { profile: 'rs' })).toEqual([objectPath, objectPath, objectPath]);
  });

  it('is copied by mkcomposefs, be it nothing', () => {
    const tree = directory({ f1: external(), f2: external({ payload: '/other' }), f3: external({ payload: '' }) });
    expect(payloads(tree, { profile: 'c' })).toEqual([objectPath, '/other', '-']);
  });

  it('is shared with a file that has it without a digest', () => {
    const tree = directory({ f1: external(), f2: file({ kind: 'external-no-verity', payload: objectPath, size: 5 }) });
    for (const profile of ['rs', 'c'] as const) expect(payloads(tree, { profile })).toEqual([objectPath, objectPath]);
    expect(writeImage(tree, { profile: 'rs' })).toEqual(writeImage(tree, { profile: 'c' }));
  });
});

it('link counts and places of a dumpfile are for mkcomposefs only', () => {
  const tree = parseDumpfile(Buffer.from('/ 0 40755 2 0 0 0 0.0 - - -\n/a 0 @100644 1 0 0 0 0.0 /z - -\n/z 1 100644 7 0 0 0 0.0 - x -\n'));
  const links = (profile: 'rs' | 'c') => [...dumpImage(openImage(writeImage(tree, { profile })))].map((line) => line.split(' ')[3]);
  expect([links('rs'), links('c')]).toEqual([
    ['2', '2', '2'],
    ['2', '7', '7'],
  ]);
});

it('a file without bytes is an empty file, whatever else it is', () => {
  const plain = writeImage(directory({ a: inline('') }));
  expect(writeImage(directory({ a: external({ size: 0 }) }))).toEqual(plain);
  expect(writeImage(directory({ a: file({ kind: 'sparse', size: 0 }) }))).toEqual(plain);
});

it('permission bits are all that counts of a mode', () => {
  const root = new Directory(stat({ mode: 0o120755 }));
  expect(writeImage(root)).toEqual(writeImage(directory()));
});

function payloads(tree: Directory, options: WriteOptions): (string | undefined)[] {
  return [...dumpImage(openImage(writeImage(tree, options)))].filter((line) => line.startsWith('/f')).map((line) => line.split(' ')[8]);
}

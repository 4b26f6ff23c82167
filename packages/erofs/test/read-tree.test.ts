import type { Directory, Leaf, Node } from '@cfskit/fs-tree';
import { describe, expect, it } from 'vitest';
import { openImage, readNode, readTree, writeImage } from '../src/index.ts';
import { device, directory, file, inline, symlink, xattrs } from './trees.ts';
import { dump, failure, treeOf } from './vectors.ts';

const ID = 'ab'.repeat(32);

describe('a path in an image', () => {
  const linked = inline('linked');
  const tree = directory({
    a: directory({ b: directory({ c: inline('deep'), l: linked }) }),
    to: symlink('a'),
    l: linked,
    '!': directory(),
  });
  const image = openImage(writeImage(tree));
  const read = (path: string): Node => readNode(image, path);

  it('is a directory with what is below it', () => {
    expect(dump(read('/a') as Directory)).toBe(dump(tree.get('a') as Directory));
  });

  it('is a leaf, also with a name elsewhere', () => {
    expect(read('/a/b/c')).toEqual(inline('deep'));
    expect(read('/l')).toEqual(linked);
  });

  it.each(['', '/', '/.', '//'])('%o is the root', (path) => expect(dump(read(path) as Directory)).toBe(dump(tree)));

  it.each(['a/b', '//a///b/', './a/./b'])('%o is taken for /a/b', (path) => expect(read(path)).toEqual(read('/a/b')));

  it.each([
    ['/x', 'NOT_FOUND', '/x'],
    ['/a/x/y', 'NOT_FOUND', '/a/x'],
    ['/a/..', 'NOT_FOUND', '/a/..'],
    ['/00', 'NOT_FOUND', '/00'],
    ['/to/b', 'NOT_A_DIRECTORY', '/to'],
    ['/a/b/c/d', 'NOT_A_DIRECTORY', '/a/b/c'],
  ])('%s: %s', (path, code, at) => expect(failure(() => read(path))).toMatchObject({ code, path: at }));

  it('is read without the rest of the image', () => {
    const bytes = writeImage(directory({ bad: inline('bad'), good: inline('good') }), { version: 2 });
    const at = Buffer.from(bytes).indexOf('bad', 1300);
    bytes.fill(0xff, at - 64, at);
    expect(failure(() => readTree(openImage(bytes)))).toBeInstanceOf(Error);
    expect(readNode(openImage(bytes), '/good')).toEqual(inline('good'));
  });
});

describe('profiles', () => {
  const tree = directory({
    c: device(0),
    ff: device(0, { mode: 0o600 }),
    file: inline('', { xattrs: xattrs({ 'trusted.overlay.opaque': 'z', 'user.overlay.opaque': 'z', 'user.kept': '1' }) }),
  });

  it('rs drops opaque marks, and whiteouts of the root that are named like stubs', () => {
    const read = readTree(openImage(writeImage(tree)));
    expect([...read.entries()].map(([name]) => name)).toEqual(['c', 'file']);
    expect(read.get('file')?.stat.xattrs).toEqual(xattrs({ 'user.kept': '1' }));
  });

  it('c keeps them, and shows the opaque marks of format 1', () => {
    const read = readTree(openImage(writeImage(tree, { profile: 'c' })), { profile: 'c' });
    expect([...read.entries()].map(([name]) => name)).toEqual(['c', 'ff', 'file']);
    expect(read.get('file')?.stat.xattrs).toEqual(tree.get('file')?.stat.xattrs);
    expect(read.stat.xattrs).toEqual(xattrs({ 'trusted.overlay.opaque': 'x', 'user.overlay.opaque': 'x' }));
  });

  it('c takes link counts as they are, and gives them back', () => {
    const image = writeImage(treeOf('hardlink-nlink-lies'), { profile: 'c' });
    expect(failure(() => readTree(openImage(image))).code).toBe('LINK_COUNT');
    expect(writeImage(readTree(openImage(image), { profile: 'c' }), { profile: 'c' })).toEqual(image);
  });
});

it('reads the three kinds of external file', () => {
  const payload = `${ID.slice(0, 2)}/${ID.slice(2)}`;
  const leaves: Record<string, Leaf> = {
    a: file({ kind: 'external', objectId: ID, size: 1 }),
    b: file({ kind: 'external-no-verity', payload, size: 2 }),
    c: file({ kind: 'sparse', size: 3 }),
  };
  for (const version of [0, 1, 2] as const) {
    const read = readTree(openImage(writeImage(directory(leaves), { version })));
    expect(Object.fromEntries(read.entries())).toEqual(leaves);
  }
});

it('files with one set of attributes share a map', () => {
  const label = xattrs({ 'security.selinux': 'label' });
  const read = readTree(openImage(writeImage(directory({ a: inline('', { xattrs: label }), b: inline('', { xattrs: label }) }))));
  expect(read.get('a')?.stat.xattrs).toBe(read.get('b')?.stat.xattrs);
});

it('content is a copy', () => {
  const bytes = writeImage(directory({ a: inline('before') }));
  const read = readTree(openImage(bytes));
  bytes.fill(0);
  expect(read.get('a')).toEqual(inline('before'));
});

it('an algorithm can be asked for', () => {
  const image = openImage(writeImage(directory({ a: file({ kind: 'external', objectId: ID, size: 1 }) })));
  expect(readTree(image, { algorithm: 'sha256' }).size).toBe(1);
  expect(failure(() => readTree(image, { algorithm: 'sha512' })).code).toBe('INVALID_DIGEST');
});

import { describe, expect, it } from 'vitest';
import { Directory, follow, joinPath, lookup, splitPath, walkTree, type Leaf } from '../src/index.ts';
import { failure, stat } from './support.ts';

function link(target: string): Leaf {
  return { kind: 'symlink', stat: stat(), target };
}

const fifo: Leaf = { kind: 'fifo', stat: stat() };
const root = new Directory(stat());
const usr = new Directory(stat());
const lib = new Directory(stat());
root.insert('usr', usr);
usr.insert('lib', lib);
lib.insert('f', fifo);
root.insert('lib', link('usr/lib'));
usr.insert('up', link('../../../usr/./lib//f'));
usr.insert('abs', link('/lib/f'));
root.insert('dangling', link('nowhere'));
root.insert('a', link('b'));
root.insert('b', link('a'));
for (let i = 0; i < 41; i++) root.insert(`l${i}`, link(i === 0 ? 'usr' : `l${i - 1}`));

it.each([
  ['', []],
  ['/', []],
  ['//a/./b/', ['a', 'b']],
  ['a/../b', ['a', '..', 'b']],
])('%j has the components %j', (path, names) => {
  expect(splitPath(path)).toEqual(names);
});

it('joins', () => {
  expect([joinPath([]), joinPath(['a', 'b'])]).toEqual(['/', '/a/b']);
});

describe('lookup', () => {
  it.each([
    ['', root],
    ['/', root],
    ['/./', root],
    ['usr/lib/f', fifo],
    ['//usr/./lib/f/', fifo],
  ])('%j', (path, node) => {
    expect(lookup(root, path)).toBe(node);
  });

  it('does not follow links', () => {
    expect(lookup(root, '/lib').kind).toBe('symlink');
  });

  it.each([
    ['/no', 'NOT_FOUND', '/no'],
    ['/no/no', 'NOT_FOUND', '/no'],
    ['/usr/lib/f/x', 'NOT_A_DIRECTORY', '/usr/lib/f'],
    ['/lib/f', 'NOT_A_DIRECTORY', '/lib'],
    ['/usr/../usr', 'INVALID_PATH', '/usr/../usr'],
    ['..', 'INVALID_PATH', '/..'],
  ])('%s is %s', (path, code, where) => {
    expect(failure(() => lookup(root, path))).toMatchObject({ code, path: where });
  });
});

describe('follow', () => {
  it.each([
    ['/lib', lib],
    ['/lib/f', fifo],
    ['/usr/up', fifo],
    ['/usr/abs', fifo],
    ['/lib/../..', root],
    ['/l39/lib', lib],
  ])('%s', (path, node) => {
    expect(follow(root, path)).toBe(node);
  });

  it.each([
    ['/dangling', 'NOT_FOUND'],
    ['/lib/no', 'NOT_FOUND'],
    ['/lib/f/x', 'NOT_A_DIRECTORY'],
    ['/usr/abs/..', 'NOT_A_DIRECTORY'],
    ['/a', 'SYMLINK_LOOP'],
    ['/l40', 'SYMLINK_LOOP'],
  ])('%s is %s', (path, code) => {
    expect(failure(() => follow(root, path))).toMatchObject({ code });
  });
});

it('a walk meets everything in order, with paths and depth', () => {
  const seen = [...walkTree(usr, '/usr')].map(({ path, depth }) => `${path} ${depth}`);
  expect(seen).toEqual(['/usr 0', '/usr/abs 1', '/usr/lib 1', '/usr/lib/f 2', '/usr/up 1']);
  expect([...walkTree(fifo, '/x')].map(({ path }) => path)).toEqual(['/x']);
});

it('a walk does not depend on the stack', () => {
  const deep = new Directory(stat());
  let directory = deep;
  for (let i = 0; i < 50_000; i++) {
    const below = new Directory(stat());
    directory.insert('d', below);
    directory = below;
  }
  let last = 0;
  for (const { depth } of walkTree(deep)) last = depth;
  expect(last).toBe(50_000);
});

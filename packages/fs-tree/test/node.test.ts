import { describe, expect, it } from 'vitest';
import { Directory, isWhiteout, type Leaf } from '../src/index.ts';
import { failure, stat } from './support.ts';

const fifo: Leaf = { kind: 'fifo', stat: stat() };
const names = (directory: Directory) => [...directory.entries()].map(([name]) => name);

describe('entries', () => {
  it('are in the order of their bytes, however they came', () => {
    const directory = new Directory(stat());
    for (const name of ['b', 'a', '\xff', 'B', 'a!', 'ab', '\x80']) directory.insert(name, fifo);
    expect(names(directory)).toEqual(['B', 'a', 'a!', 'ab', 'b', '\x80', '\xff']);
    directory.insert('aa', fifo);
    directory.insert('\xff\xff', fifo);
    directory.remove('b');
    expect(names(directory)).toEqual(['B', 'a', 'a!', 'aa', 'ab', '\x80', '\xff', '\xff\xff']);
    directory.clear();
    directory.insert('b', fifo);
    directory.insert('a', fifo);
    expect([directory.size, ...names(directory)]).toEqual([2, 'a', 'b']);
  });

  it('may be removed and replaced on the way', () => {
    const directory = new Directory(stat());
    for (const name of ['a', 'b', 'c', 'd']) directory.insert(name, fifo);
    for (const [name] of directory.entries()) {
      if (name === 'b') directory.insert('b', { kind: 'socket', stat: stat() });
      else directory.remove(name);
    }
    expect(names(directory)).toEqual(['b']);
  });

  it.each(['', '.', '..', 'a/b', '/', 'a\0', 'n'.repeat(256)])('%j is no name', (name) => {
    expect(failure(() => new Directory(stat()).insert(name, fifo)).code).toBe('INVALID_NAME');
  });

  it.each(['...', '.a', ' ', '\n', '\xff', '-', 'n'.repeat(255)])('%j is a name', (name) => {
    const directory = new Directory(stat());
    directory.insert(name, fifo);
    expect(directory.get(name)).toBe(fifo);
  });
});

function build(mode: number): Directory {
  const directory = new Directory(stat({ mode, xattrs: new Map([[`user.${mode}`, '']]) }));
  directory.insert(`${mode}`, fifo);
  return directory;
}

describe('merging', () => {
  it('a directory onto a directory takes all metadata and no entries', () => {
    const root = new Directory(stat());
    const old = build(1);
    root.insert('d', old);
    root.merge('d', build(2));
    expect(root.get('d')).toBe(old);
    expect([old.stat.mode, [...old.stat.xattrs.keys()], names(old)]).toEqual([2, ['user.2'], ['1']]);
  });

  it('anything else replaces', () => {
    const root = new Directory(stat());
    root.merge('d', build(1));
    root.merge('d', fifo);
    expect(root.get('d')).toBe(fifo);
    const directory = build(2);
    root.merge('d', directory);
    expect(root.get('d')).toBe(directory);
  });
});

it('a whiteout is a character device with number 0', () => {
  expect(isWhiteout({ kind: 'character-device', stat: stat(), rdev: 0 })).toBe(true);
  expect(isWhiteout({ kind: 'character-device', stat: stat(), rdev: 1 })).toBe(false);
  expect(isWhiteout({ kind: 'block-device', stat: stat(), rdev: 0 })).toBe(false);
  expect(isWhiteout(fifo)).toBe(false);
});

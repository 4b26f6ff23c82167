import { describe, expect, it } from 'vitest';
import {
  checkTree,
  Directory,
  EPOCH,
  filterXattrs,
  newestTime,
  parseXattrMode,
  removeDevices,
  setTimes,
  transformForOci,
  XATTR_MODES,
  type Leaf,
} from '../src/index.ts';
import { dump, failure, stat } from './support.ts';

const leaf = (fields: Partial<Leaf> = {}): Leaf => ({ kind: 'fifo', stat: stat(), ...fields }) as Leaf;
const time = (seconds: bigint, nanoseconds = 0) => ({ seconds, nanoseconds });
const xattrs = (...names: string[]) => new Map(names.map((name) => [name, 'v']));

function tree(entries: Readonly<Record<string, Leaf | Directory>> = {}): Directory {
  const root = new Directory(stat({ mode: 0o755 }));
  for (const [name, node] of Object.entries(entries)) root.insert(name, node);
  return root;
}

describe('transformForOci', () => {
  const names = ['security.capability', 'security.selinux', 'trusted.x', 'user.a', 'user', 'security.capability2'];

  it('gives the root what /usr has, empties /run, and filters', () => {
    const usr = new Directory(stat({ mode: 0o2711, uid: 5, gid: 6, mtime: time(9n, 8), xattrs: xattrs(...names) }));
    const run = new Directory(stat({ mode: 0o700, uid: 1, mtime: time(1n), xattrs: xattrs(...names) }));
    run.insert('x', leaf());
    const root = tree({ usr, run, f: leaf({ stat: stat({ xattrs: xattrs('user.a') }) }) });
    transformForOci(root);
    expect(dump(root)).toBe(
      [
        '/ 0 42711 4 5 6 0 9.8 - - - security.capability=v',
        '/f 0 10644 1 0 0 0 0.0 - - -',
        '/run 0 40700 2 1 0 0 9.8 - - - security.capability=v',
        '/usr 0 42711 2 5 6 0 9.8 - - - security.capability=v',
        '',
      ].join('\n'),
    );
  });

  it('can keep user attributes', () => {
    const root = tree({ usr: new Directory(stat({ xattrs: xattrs(...names) })) });
    transformForOci(root, 'keep-user-xattrs');
    expect([...root.stat.xattrs.keys()]).toEqual(['security.capability', 'user.a']);
  });

  it('needs /usr, and /run must be a directory if it is there', () => {
    expect(failure(() => transformForOci(tree())).code).toBe('NOT_FOUND');
    expect(failure(() => transformForOci(tree({ usr: leaf() }))).code).toBe('NOT_A_DIRECTORY');
    expect(failure(() => transformForOci(tree({ usr: new Directory(stat()), run: leaf() }))).code).toBe('NOT_A_DIRECTORY');
  });
});

it('modes are named as options are', () => {
  expect(XATTR_MODES.map(parseXattrMode)).toEqual(['allowlist-only', 'keep-user-xattrs']);
  expect(failure(() => parseXattrMode('all'))).toMatchObject({
    code: 'UNKNOWN_XATTR_MODE',
    message: 'unknown xattr mode "all", wanted allowlist-only or keep-user-xattrs',
  });
});

it('filtered sets that were shared stay shared', () => {
  const shared = xattrs('user.a', 'trusted.b');
  const root = tree({ a: leaf({ stat: stat({ xattrs: shared }) }), b: leaf({ stat: stat({ xattrs: shared }) }) });
  filterXattrs(root, (name) => name.startsWith('user.'));
  expect(root.get('a')!.stat.xattrs).toBe(root.get('b')!.stat.xattrs);
  expect([...root.get('a')!.stat.xattrs.keys()]).toEqual(['user.a']);
  expect([...shared.keys()]).toEqual(['user.a', 'trusted.b']);
});

it('times can be set and compared', () => {
  const below = new Directory(stat({ mtime: time(5n, 1) }));
  below.insert('f', leaf({ stat: stat({ mtime: time(5n, 2) }) }));
  const root = tree({ below, old: leaf({ stat: stat({ mtime: time(-9n, 999) }) }) });
  expect(newestTime(root)).toEqual(time(5n, 2));
  expect(newestTime(new Directory(stat({ mtime: time(-1n) })))).toEqual(time(-1n));
  setTimes(root, EPOCH);
  expect(newestTime(root)).toEqual(EPOCH);
  expect(below.get('f')!.stat.mtime).toEqual(EPOCH);
});

it('devices can be left out', () => {
  const below = tree({ w: leaf({ kind: 'character-device', rdev: 0 }), f: leaf() });
  const root = tree({ b: leaf({ kind: 'block-device', rdev: 5 }), below, s: leaf({ kind: 'socket' }) });
  removeDevices(root);
  expect([...root.entries()].map(([name]) => name)).toEqual(['below', 's']);
  expect([...below.entries()].map(([name]) => name)).toEqual(['f']);
});

describe('checkTree', () => {
  const whiteout = leaf({ kind: 'character-device', rdev: 0 });
  const device = leaf({ kind: 'character-device', rdev: 1 });

  it.each<[string, Directory]>([
    ['a device with two names', tree({ a: device, b: device })],
    ['a whiteout', tree({ a: whiteout })],
    ['attributes of 32767 bytes', tree({ a: leaf({ stat: stat({ xattrs: new Map([['user.x', 'v'.repeat(32767 - 12 - 7 - 6)]]) }) }) })],
  ])('accepts %s', (_, root) => {
    expect(() => checkTree(root)).not.toThrow();
  });

  it.each<[string, Directory, string, string]>([
    ['a whiteout with two names', tree({ a: whiteout, b: whiteout }), 'LINKED_WHITEOUT', '/a'],
    ['an empty target', tree({ a: leaf({ kind: 'symlink', target: '' }) }), 'INVALID_TARGET', '/a'],
    ['a device number above 32 bits', tree({ a: leaf({ kind: 'block-device', rdev: 2 ** 32 }) }), 'INVALID_DEVICE', '/a'],
    ['a size above 2^53', tree({ a: leaf({ kind: 'file', content: { kind: 'sparse', size: 2 ** 54 } }) }), 'INVALID_SIZE', '/a'],
    ['a negative size', tree({ a: leaf({ kind: 'file', content: { kind: 'sparse', size: -1 } }) }), 'INVALID_SIZE', '/a'],
    ['an attribute without a name', tree({ a: leaf({ stat: stat({ xattrs: xattrs('') }) }) }), 'INVALID_XATTR', '/a'],
    [
      'an attribute with a name of 256 bytes',
      tree({ a: leaf({ stat: stat({ xattrs: xattrs('n'.repeat(256)) }) }) }),
      'INVALID_XATTR',
      '/a',
    ],
    [
      'attributes of 32768 bytes',
      new Directory(stat({ xattrs: new Map([['user.x', 'v'.repeat(32768 - 12 - 7 - 6)]]) })),
      'INVALID_XATTR',
      '/',
    ],
  ])('refuses %s', (_, root, code, path) => {
    expect(failure(() => checkTree(root))).toMatchObject({ code, path });
  });

  it('refuses what nests too deep', () => {
    const root = tree();
    let directory = root;
    for (let i = 0; i < 2047; i++) {
      const below = new Directory(stat());
      directory.insert('d', below);
      directory = below;
    }
    expect(() => checkTree(root)).not.toThrow();
    directory.insert('d', new Directory(stat()));
    expect(failure(() => checkTree(root)).code).toBe('LIMIT');
  });
});

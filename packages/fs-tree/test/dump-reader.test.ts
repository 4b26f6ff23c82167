import { fromLatin1 } from '@cfskit/binary';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FsTreeError, parseDumpfile, readDumpfile, type Directory, type DumpReadOptions, type Leaf } from '../src/index.ts';
import { plain, tree } from './arbitraries.ts';
import { dump, failure, outcome } from './support.ts';

const ROOT = '/ 0 40755 2 0 0 0 0.0 - - -\n';
const ID = '2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881';

function parse(text: string, options: DumpReadOptions = {}): Directory {
  return parseDumpfile(fromLatin1(text), options);
}

function leafOf(line: string, options: DumpReadOptions = {}): Leaf {
  const node = parse(`${ROOT}${line}\n`, options).get('f');
  if (node === undefined || node.kind === 'directory') throw new Error('no leaf');
  return node;
}

type Numbers = Partial<Record<'size' | 'mode' | 'nlink' | 'uid' | 'gid' | 'rdev' | 'mtime', string>>;

function numbered(changes: Numbers): string {
  const { size = '0', mode = '100644', nlink = '1', uid = '0', gid = '0', rdev = '0', mtime = '0.0' } = changes;
  return `/f ${size} ${mode} ${nlink} ${uid} ${gid} ${rdev} ${mtime} - - -`;
}

function external(name: string, digest: string): string {
  return `/${name} 9 100644 1 0 0 0 0.0 a - ${digest}\n`;
}

function file(name: string, nlink = 1): string {
  return `/${name} 1 100644 ${nlink} 0 0 0 0.0 - x -\n`;
}

function link(name: string, target: string): string {
  return `/${name} 0 @120000 - - - - 0.0 ${target} - -\n`;
}

describe('numbers', () => {
  it.each<[string, bigint, number]>([
    ['5.1', 5n, 1],
    ['+5.+1', 5n, 1],
    ['-5.0', -5n, 0],
    ['18446744073709551611.0', -5n, 0],
    ['9223372036854775807.999999999', 2n ** 63n - 1n, 999_999_999],
    ['-9223372036854775808.0', -(2n ** 63n), 0],
    ['0000000000000000000000000000005.0', 5n, 0],
  ])('time %s', (mtime, seconds, nanoseconds) => {
    expect(leafOf(numbered({ mtime })).stat.mtime).toEqual({ seconds, nanoseconds });
  });

  it.each([
    '5',
    '.5',
    '5.',
    '-.0',
    '--5.0',
    '-+5.0',
    '+-5.0',
    '5.-1',
    '5.0.0',
    '5.1000000000',
    '18446744073709551616.0',
    '-9223372036854775809.0',
    '1e3.0',
    ' .0',
  ])('time %s is none', (mtime) => {
    expect(failure(() => leafOf(numbered({ mtime })))).toMatchObject({ line: 2 });
  });

  it.each<[Numbers]>([
    [{ size: '9007199254740993' }],
    [{ size: '18446744073709551616' }],
    [{ size: '-1' }],
    [{ size: '+' }],
    [{ size: '1_0' }],
    [{ nlink: '4294967296' }],
    [{ uid: '4294967296' }],
    [{ gid: '0x0' }],
    [{ rdev: '4294967296', mode: '20644' }],
    [{ mode: '40000000000' }],
    [{ mode: '+' }],
    [{ mode: '100648' }],
    [{ mode: '644' }],
    [{ mode: '-100644' }],
  ])('%j', (changes) => {
    expect(failure(() => leafOf(numbered(changes)))).toMatchObject({ code: 'INVALID_DUMP', line: 2, path: '/f' });
  });

  it.each<[Numbers]>([
    [{ size: '9007199254740992' }],
    [{ size: '+009' }],
    [{ uid: '+4294967295' }],
    [{ mode: '+100644' }],
    [{ mode: '37777700644' }],
  ])('%j is fine', (changes) => {
    expect(leafOf(numbered(changes)).stat.mode).toBe(0o644);
  });
});

describe('files', () => {
  it.each<[string, unknown]>([
    ['/f 3 100644 1 0 0 0 0.0 - abc -', { kind: 'inline', bytes: fromLatin1('abc') }],
    ['/f 1 100644 1 0 0 0 0.0 - \\x2d -', { kind: 'inline', bytes: fromLatin1('-') }],
    ['/f 0 100644 1 0 0 0 0.0 - - -', { kind: 'inline', bytes: fromLatin1('') }],
    ['/f 9 100644 1 0 0 0 0.0 - - -', { kind: 'sparse', size: 9 }],
    [`/f 9 100644 1 0 0 0 0.0 a - ${ID}`, { kind: 'external', objectId: ID, size: 9, payload: 'a' }],
    [`/f 9 100644 1 0 0 0 0.0 - - ${ID}`, { kind: 'external', objectId: ID, size: 9, payload: '' }],
    [`/f 9 100644 1 0 0 0 0.0 ${ID.slice(0, 2)}/${ID.slice(2)} - ${ID.toUpperCase()}`, { kind: 'external', objectId: ID, size: 9 }],
    ['/f 9 100644 1 0 0 0 0.0 a/b - -', { kind: 'external-no-verity', payload: 'a/b', size: 9 }],
  ])('%s', (line, content) => {
    expect(leafOf(line)).toMatchObject({ kind: 'file', content });
  });

  it('digests are all of one algorithm, the chosen one or that of the first', () => {
    expect(failure(() => parse(ROOT + external('a', ID) + external('b', ID + ID)))).toMatchObject({ line: 3 });
    expect(failure(() => parse(ROOT + external('a', ID + ID) + external('b', ID)))).toMatchObject({ line: 3 });
    expect(failure(() => parse(ROOT + external('a', ID), { algorithm: 'sha512' }))).toMatchObject({ line: 2 });
    expect(parse(ROOT + external('a', ID + ID), { algorithm: 'sha512' }).size).toBe(1);
  });

  it.each(['', 'ab', `${ID.slice(1)}g`, `sha256:${ID}`])('digest %j is none', (digest) => {
    expect(failure(() => leafOf(`/f 9 100644 1 0 0 0 0.0 a - ${digest}`))).toMatchObject({ line: 2 });
  });

  it('bounds of content and targets can be set', () => {
    const content = `/f 513 100644 1 0 0 0 0.0 - ${'c'.repeat(513)} -`;
    const target = `/f 0 120777 1 0 0 0 0.0 ${'t'.repeat(1025)} - -`;
    expect([leafOf(content).kind, leafOf(target).kind]).toEqual(['file', 'symlink']);
    expect(failure(() => leafOf(content, { maxContent: 512 }))).toMatchObject({ code: 'INVALID_DUMP', line: 2 });
    expect(failure(() => leafOf(target, { maxTarget: 1024 }))).toMatchObject({ code: 'INVALID_DUMP', line: 2 });
  });

  it.each(['p'.repeat(4096), 'a\\x00b'])('a payload that is no path is refused', (payload) => {
    expect(failure(() => leafOf(`/f 9 100644 1 0 0 0 0.0 ${payload} - -`))).toMatchObject({ code: 'INVALID_DUMP' });
  });
});

describe('hard links', () => {
  it('share the leaf, wherever it stands and however long the chain', () => {
    const count = 20_000;
    const chain = Array.from({ length: count }, (_, i) => link(`l${i}`, `/l${i + 1}`));
    const root = parse(ROOT + chain.join('') + file(`l${count}`));
    expect(new Set([...root.entries()].map(([, node]) => node)).size).toBe(1);
  });

  it.each<[string, string, string, number]>([
    ['in a circle', link('a', '/b') + link('b', '/c') + link('c', '/a'), 'INVALID_DUMP', 2],
    ['to itself', file('x') + link('a', '/a'), 'INVALID_DUMP', 3],
    ['to nothing', link('a', '/b'), 'NOT_FOUND', 2],
    ['below a file', file('x') + link('a', '/x/y'), 'NOT_FOUND', 3],
    ['to the root', link('a', '/'), 'IS_A_DIRECTORY', 2],
    ['by way of a link, to nothing', link('a', '/b') + file('x') + link('b', '/no'), 'NOT_FOUND', 2],
    ['with a path that is not canonical', file('x') + link('a', '//x'), 'NOT_FOUND', 3],
    ['with a dot in its path', file('x') + link('a', '/./x'), 'NOT_FOUND', 3],
    ['to a relative path', file('x') + link('a', 'x'), 'INVALID_DUMP', 3],
    ['to a whiteout', '/w 0 20644 1 0 0 0 0.0 - - -\n' + link('a', '/w'), 'LINKED_WHITEOUT', 3],
    ['that a child follows', file('x') + link('a', '/x') + file('a/b'), 'NOT_A_DIRECTORY', 4],
    ['that stands there twice', file('x') + link('a', '/x') + link('a', '/x'), 'INVALID_DUMP', 4],
  ])('%s', (_, lines, code, line) => {
    expect(failure(() => parse(ROOT + lines))).toMatchObject({ code, line });
  });

  it('keep what only the dumpfile says', () => {
    const root = parse(ROOT + link('a', '/b') + file('b', 7) + file('c') + file('d', 2) + file('e') + link('f', '/e'));
    const origin = (name: string) => {
      const node = root.get(name);
      return node?.kind === 'directory' || node?.origin === undefined
        ? undefined
        : [node.origin.directory === root, node.origin.name, node.origin.nlink];
    };
    expect(['a', 'b', 'c', 'd', 'e', 'f'].map(origin)).toEqual([
      [true, 'b', 7],
      [true, 'b', 7],
      undefined,
      [true, 'd', 2],
      [true, 'e', 1],
      [true, 'e', 1],
    ]);
  });
});

describe('lines', () => {
  it.each([1, 2, 3, 100])('may be cut anywhere: every %d bytes', async (size) => {
    const text = `${ROOT}/a\\x20b 0 40755 2 0 0 0 0.0 - - - user.x=\xff\r\n\r\n \t\n/a\\x20b/c 1 100644 1 0 0 0 0.0 - y -`;
    const bytes = fromLatin1(text);
    const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) => bytes.subarray(i * size, (i + 1) * size));
    expect(dump(await readDumpfile(chunks))).toBe(
      '/ 0 40755 3 0 0 0 0.0 - - -\n/a\\x20b 0 40755 2 0 0 0 0.0 - - - user.x=\\xff\n/a\\x20b/c 1 100644 1 0 0 0 0.0 - y -\n',
    );
  });

  it('are counted with blank ones, and errors name the path in printable form', () => {
    const error = failure(() => parse(`${ROOT}\n\n/\x1b[1m 0 0 1 0 0 0 0.0 - - -\n`));
    expect([error.line, error.path, error.message]).toEqual([4, '/\x1b[1m', 'line 4: mode 0 names no file type: /\\x1b[1m']);
  });

  it.each<[string, DumpReadOptions, string, object]>([
    ['length', { maxLineLength: 100 }, `${ROOT}/${'x'.repeat(100)}`, { line: 2 }],
    ['number', { maxLines: 3 }, `${ROOT}\n\n\n`, {}],
    ['size', { maxSize: 30 }, `${ROOT}\n\n\n`, {}],
    ['depth', { maxDepth: 2 }, `${ROOT}/a 0 40755 2 0 0 0 0.0 - - -\n/a/b 0 40755 2 0 0 0 0.0 - - -\n`, { line: 3 }],
  ])('limit of %s', (_, options, text, place) => {
    expect(failure(() => parse(text, options))).toMatchObject({ code: 'LIMIT', ...place });
  });

  it('a line without an end is refused before it is all there', async () => {
    let pushed = 0;
    const source = function* () {
      yield fromLatin1(ROOT);
      for (;;) {
        pushed += 1000;
        yield fromLatin1('x'.repeat(1000));
      }
    };
    await expect(readDumpfile(source(), { maxLineLength: 5000 })).rejects.toMatchObject({ code: 'LIMIT', line: 2 });
    expect(pushed).toBe(6000);
  });
});

it('nests as deep as images can, and no deeper', () => {
  const lines = [ROOT];
  let path = '';
  for (let depth = 1; depth < 2048; depth++) lines.push(`${(path += '/d')} 0 40755 2 0 0 0 0.0 - - -\n`);
  lines.push(`${path}/file 0 100644 1 0 0 0 0.0 - - -\n`);
  const text = lines.join('');
  expect(dump(parse(text)).split('\n')).toHaveLength(2050);
  expect(failure(() => parse(`${text}${path}/d 0 40755 2 0 0 0 0.0 - - -\n`))).toMatchObject({ code: 'LIMIT', line: 2050 });
});

it('attributes may be shared, but never mixed up', () => {
  const lines = Array.from({ length: 10_000 }, (_, i) => `/f${i} 0 100644 1 0 0 0 0.0 - - - user.n=${i % 5000}\n`);
  const root = parse(ROOT + lines.join(''));
  expect([...root.entries()].every(([name, node]) => node.stat.xattrs.get('user.n') === `${Number(name.slice(1)) % 5000}`)).toBe(true);
  expect(root.get('f1')!.stat.xattrs).toBe(root.get('f5001')!.stat.xattrs);
});

it('reads back every tree that was written', () => {
  fc.assert(
    fc.property(tree, (root) => {
      const text = dump(root);
      const again = parse(text);
      expect(plain(again)).toEqual(plain(root));
      expect(dump(again)).toBe(text);
    }),
    { numRuns: 300 },
  );
});

it('takes or refuses everything else, and what it takes it can write', () => {
  const lines = fc.constantFrom(
    '/',
    '/a',
    '/a/b',
    '-',
    '0',
    '1',
    '40755',
    '100644',
    '120777',
    '@120000',
    '0.0',
    'x',
    ID,
    'user.a=b',
    '\\x',
    '\xff',
    '',
  );
  const line = fc.oneof(
    fc.array(lines, { minLength: 9, maxLength: 13 }).map((fields) => fields.join(' ')),
    fc
      .tuple(
        fc.constantFrom('/', '/a', '/b', '/a/c'),
        fc.constantFrom('40755', '100644', '120777', '20644', '@100644'),
        fc.constantFrom('-', '/a', '/b', 'x'),
        fc.constantFrom('-', '', 'y'),
      )
      .map(([path, mode, payload, content]) => `${path} ${content.length} ${mode} 1 0 0 0 0.0 ${payload} ${content} -`),
    fc.uint8Array({ maxLength: 60 }).map((bytes) => String.fromCharCode(...bytes)),
  );
  fc.assert(
    fc.property(fc.array(line, { maxLength: 6 }), fc.boolean(), (all, root) => {
      const result = outcome(() => parse((root ? ROOT : '') + all.join('\n')));
      const written = result instanceof FsTreeError ? ROOT : dump(result);
      expect(dump(parse(written))).toBe(written);
    }),
    { numRuns: 2000 },
  );
});

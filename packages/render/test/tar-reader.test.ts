import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { tar, type TarEntry } from '@cfskit/fixtures';
import { escapeBytes } from '@cfskit/fs-tree';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RenderError } from '../src/index.ts';
import { withDefaults, type RenderLimits } from '../src/limits.ts';
import type { TarMember } from '../src/tar-member.ts';
import { TarReader } from '../src/tar-reader.ts';
import { needs, run } from './support/programs.ts';
import { base256, block, END, padded, pax, record } from './support/raw-tar.ts';

interface Seen {
  readonly member: TarMember;
  readonly size: number;
  readonly content: Buffer;
}

/** What a reader makes of a tar that is pushed in chunks of these sizes, over and over. */
function readAll(bytes: Uint8Array, sizes: readonly number[] = [bytes.length || 1], limits?: RenderLimits): Seen[] {
  const seen: Seen[] = [];
  let content: Buffer[] = [];
  const reader = new TarReader(
    {
      member: (member, size) => {
        content = [];
        if (member.kind !== 'file') seen.push({ member, size, content: Buffer.alloc(0) });
        else seen.push({ member, size, content: undefined as unknown as Buffer });
      },
      data: (piece) => void content.push(Buffer.from(piece)),
      hole: (size) => void content.push(Buffer.alloc(size)),
      end: () => Object.assign(seen.at(-1) ?? {}, { content: Buffer.concat(content) }),
    },
    withDefaults(limits),
  );
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const end = Math.min(bytes.length, at + (sizes[turn % sizes.length] ?? 1));
    reader.push(bytes.subarray(at, end));
    at = end;
  }
  reader.finish();
  return seen;
}

function only(bytes: Uint8Array, limits?: RenderLimits): Seen {
  const [seen, ...more] = readAll(bytes, undefined, limits);
  if (seen === undefined || more.length > 0) throw new Error(`${more.length + (seen ? 1 : 0)} entries`);
  return seen;
}

function codeOf(step: () => unknown): string {
  try {
    step();
  } catch (error) {
    if (error instanceof RenderError) return error.code;
    throw error;
  }
  return 'accepted';
}

const offset = (value: number): string => value.toString(8).padStart(11, '0');
const map = (...segments: [number, number][]): string => segments.map(([at, size]) => `${offset(at)}\0${offset(size)}\0`).join('');
const oldGnu = (stored: number, real: number, segments: string, extended = 0): Buffer =>
  block({
    type: 'S',
    size: stored,
    magic: 'ustar  \0',
    more: [
      [386, Buffer.from(segments)],
      [482, Buffer.from([extended])],
      [483, Buffer.from(offset(real))],
    ],
  });

const MANY: readonly TarEntry[] = [
  { path: './', type: 'dir', mode: 0o700 },
  { path: 'a/b/', type: 'dir' },
  { path: 'a/b/file', content: 'x'.repeat(1500), mtime: 12.25, uid: 3_000_000, xattrs: { 'user.a': 'b' } },
  { path: 'empty' },
  { path: 'a/sym', type: 'symlink', target: 't'.repeat(150) },
  { path: 'hard', type: 'hardlink', target: 'a/b/file' },
  { path: 'dev', type: 'char', device: [5, 1] },
  { path: 'p'.repeat(120), type: 'fifo' },
];

describe('chunks', () => {
  it('may be cut anywhere', () => {
    const bytes = tar(MANY);
    const whole = readAll(bytes);
    expect(whole.length).toBe(MANY.length);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 1300 }), { minLength: 1, maxLength: 6 }), (sizes) => {
        expect(readAll(bytes, sizes)).toEqual(whole);
      }),
      { numRuns: 100 },
    );
  });

  it('of arbitrary bytes give entries or an error of ours', () => {
    const noise = fc.uint8Array({ minLength: 0, maxLength: 2000 });
    const damaged = fc.tuple(fc.nat(), fc.nat(255)).map(([at, value]) => {
      const bytes = Uint8Array.from(tar(MANY));
      bytes[at % bytes.length] = value;
      return bytes;
    });
    fc.assert(
      fc.property(fc.oneof(noise, damaged), (bytes) => {
        expect(typeof codeOf(() => readAll(bytes))).toBe('string');
      }),
      { numRuns: 300 },
    );
  });
});

describe('fields', () => {
  it.each([
    ['octal', '0000644\0', 0o644],
    ['octal between spaces', '   644 \0', 0o644],
    ['nothing', '\0\0\0\0\0\0\0\0', 0],
    ['with type bits', '0100644\0', 0o644],
    ['setuid', '0004755\0', 0o4755],
  ])('mode: %s', (_, text, mode) => {
    expect(only(block({ more: [[100, Buffer.from(text, 'latin1')]] })).member.mode).toBe(mode);
  });

  it('numbers in base 256', () => {
    const { member } = only(
      block({
        more: [
          [136, base256(12, -5n)],
          [108, base256(8, 4_000_000_000n)],
          [116, base256(8, -1n)],
        ],
      }),
    );
    expect(member).toMatchObject({ mtime: { seconds: -5n, nanoseconds: 0 }, uid: 4_000_000_000, gid: 0xffffffff });
    expect(codeOf(() => only(block({ size: base256(12, -512n) })))).toBe('INVALID_HEADER');
    expect(codeOf(() => only(block({ size: base256(12, 2n ** 62n) })))).toBe('INVALID_HEADER');
  });

  it('what is no octal number is refused', () => {
    expect(codeOf(() => only(block({ more: [[108, Buffer.from('12x4567\0')]] })))).toBe('INVALID_HEADER');
  });

  it('the checksum has to be right', () => {
    const bytes = block({});
    bytes[0] = 0x67;
    const error = (() => {
      try {
        only(bytes);
      } catch (caught) {
        return caught as RenderError;
      }
      throw new Error('accepted');
    })();
    expect([error.code, error.message, error.offset]).toEqual(['CHECKSUM_MISMATCH', 'archive header checksum mismatch', 0]);
  });

  it.each([
    ['a prefix in ustar', 'ustar\x0000', 'dir/f'],
    ['none in the form of GNU', 'ustar  \0', 'f'],
    ['none in v7', '', 'f'],
  ])('names: %s', (_, magic, path) => {
    expect(only(block({ magic, more: [[345, Buffer.from('dir')]] })).member.path).toBe(path);
  });

  it('directories of v7 are files with a slash at the end', () => {
    expect(only(block({ name: 'd/', type: '\0', magic: '' })).member.kind).toBe('directory');
    expect(only(block({ name: 'd/', type: '0' })).member).toMatchObject({ kind: 'file', path: 'd/' });
  });

  it.each(['7', 'V', 'Z', '\xff'])('type %j counts as a file', (type) => {
    const seen = only(Buffer.concat([block({ type, size: 3 }), padded('abc')]));
    expect([seen.member.kind, seen.content.toString()]).toEqual(['file', 'abc']);
  });

  it.each(['1', '2', '3', '4', '5', '6'])('type %s with content is refused: others would take it for entries', (type) => {
    expect(codeOf(() => readAll(Buffer.concat([block({ type, link: 'x', size: 512 }), block({ name: 'hidden' })])))).toBe('INVALID_HEADER');
  });

  it('devices need numbers that Linux has', () => {
    expect(codeOf(() => only(block({ type: '3', magic: '' })))).toBe('INVALID_HEADER');
    expect(codeOf(() => only(block({ type: '3', more: [[329, Buffer.from('0010000\0')]] })))).toBe('INVALID_HEADER');
    expect(
      only(
        block({
          type: '4',
          more: [
            [329, Buffer.from('0007777\0')],
            [337, Buffer.from('3777777\0')],
          ],
        }),
      ).member.rdev,
    ).toBe(0xffffffff);
  });
});

function manyKeys(start: number): Record<string, string> {
  return Object.fromEntries(Array.from({ length: 40_000 }, (_, i) => [`k${start + i}`, i % 2 ? '' : '1']));
}

describe('records', () => {
  it('GNU names win over PAX ones, which win over the header', () => {
    const all = [record('x', pax({ path: 'pax', linkpath: 'paxlink' })), record('L', 'long\0'), record('K', 'longlink\0')];
    expect(only(Buffer.concat([...all, block({ type: '2' })])).member).toMatchObject({ path: 'long', target: 'longlink' });
    expect(only(Buffer.concat([all[0] ?? END, block({ type: '2' })])).member).toMatchObject({ path: 'pax', target: 'paxlink' });
  });

  it('a GNU symbolic link of more than 100 bytes is whole', () => {
    const target = 't'.repeat(250);
    expect(only(Buffer.concat([record('K', `${target}\0`), block({ type: '2', magic: 'ustar  \0' })])).member.target).toBe(target);
  });

  it('GNU names end at a NUL, or with their data', () => {
    expect(only(Buffer.concat([record('L', 'abc\0def'), block({})])).member.path).toBe('abc');
    expect(only(Buffer.concat([record('L', 'abc'), block({})])).member.path).toBe('abc');
  });

  it('the size in a PAX record is the size, whatever the header says', () => {
    const smuggled = Buffer.concat([
      record('x', pax({ size: '512' })),
      block({ size: 0 }),
      block({ name: 'hidden' }),
      block({ name: 'next' }),
    ]);
    expect(readAll(smuggled).map(({ member, size }) => [member.path, size])).toEqual([
      ['f', 512],
      ['next', 0],
    ]);
    const inverse = Buffer.concat([record('x', pax({ size: '0' })), block({ size: 512 }), block({ name: 'shown' })]);
    expect(readAll(inverse).map(({ member, size }) => [member.path, size])).toEqual([
      ['f', 0],
      ['shown', 0],
    ]);
  });

  it('records say nothing about records behind them', () => {
    const bytes = Buffer.concat([record('x', pax({ size: '0', path: 'p' })), record('L', 'long\0'), block({})]);
    expect(only(bytes).member.path).toBe('long');
  });

  it('ids, names of owners and times', () => {
    const { member } = only(
      Buffer.concat([record('x', pax({ uid: '5000000000', gid: '-1', uname: 'me', gname: 'us', mtime: '-1.25' })), block({})]),
    );
    expect(member).toMatchObject({
      uid: 705_032_704,
      gid: 0xffffffff,
      uname: 'me',
      gname: 'us',
      mtime: { seconds: -2n, nanoseconds: 750_000_000 },
    });
  });

  it('attributes, with binary and empty values, and everything else', () => {
    const { member } = only(
      Buffer.concat([
        record('x', pax({ 'SCHILY.xattr.user.a=b': '', 'SCHILY.xattr.security.capability': '\x01\0\x02', atime: '1.5', comment: '' })),
        block({}),
      ]),
    );
    expect(member.xattrs).toEqual(
      new Map([
        ['user.a', 'b='],
        ['security.capability', '\x01\0\x02'],
      ]),
    );
    expect(member.records).toEqual([['atime', '1.5']]);
  });

  it('of two records with one key the last counts, and an empty value takes it back', () => {
    expect(only(Buffer.concat([record('x', pax({ path: 'a' }) + pax({ path: 'b' })), block({})])).member.path).toBe('b');
    expect(only(Buffer.concat([record('x', pax({ path: 'a' }) + pax({ path: '' })), block({})])).member.path).toBe('f');
  });

  it('global ones apply to the entries behind them, and are weaker than their own', () => {
    const bytes = Buffer.concat([
      block({ name: 'before' }),
      record('g', pax({ mtime: '7', 'SCHILY.xattr.user.g': '1', comment: 'c' })),
      block({ name: 'one' }),
      record('x', pax({ mtime: '8' })),
      block({ name: 'two' }),
      record('g', pax({ mtime: '' })),
      block({ name: 'three' }),
    ]);
    expect(
      readAll(bytes).map(({ member }) => [member.path, Number(member.mtime.seconds), member.xattrs.size, member.records.length]),
    ).toEqual([
      ['before', 0, 0, 0],
      ['one', 7, 1, 0],
      ['two', 8, 1, 0],
      ['three', 0, 1, 0],
    ]);
  });

  it('global ones that nobody looks at are not passed on, and take neither memory nor time', () => {
    const globals = [0, 40_000, 80_000].map((start) => record('g', pax(manyKeys(start))));
    const entries = Array.from({ length: 2000 }, (_, i) => [record('g', pax({ comment: String(i) })), block({ name: `f${i}` })]).flat();
    const seen = readAll(Buffer.concat([...globals, ...entries]));
    expect(seen.map(({ member }) => member.records).filter(({ length }) => length > 0)).toEqual([]);
    expect(seen.length).toBe(2000);
  });

  it('global attributes are one object for all entries, which own ones extend', () => {
    const [one, two, three, four] = readAll(
      Buffer.concat([
        record('g', pax({ 'SCHILY.xattr.user.g': '1' })),
        block({ name: 'one' }),
        block({ name: 'two' }),
        record('x', pax({ 'SCHILY.xattr.user.x': '2' })),
        block({ name: 'three' }),
        record('g', pax({ 'SCHILY.xattr.user.g': '3' })),
        block({ name: 'four' }),
      ]),
    ).map(({ member }) => member.xattrs);
    expect(one).toBe(two);
    expect([one, three, four].map((xattrs) => Array.from(xattrs ?? []))).toEqual([
      [['user.g', '1']],
      [
        ['user.g', '1'],
        ['user.x', '2'],
      ],
      [['user.g', '3']],
    ]);
  });

  it('the size of a file that star gives beside its holes is not passed on', () => {
    expect(only(Buffer.concat([record('x', pax({ 'SCHILY.realsize': '99' })), block({})])).member.records).toEqual([]);
  });

  it.each([
    ['two PAX headers', [record('x', pax({ path: 'a' })), record('x', pax({ path: 'b' }))], 'DUPLICATE_METADATA'],
    ['two long names', [record('L', 'a'), record('L', 'b')], 'DUPLICATE_METADATA'],
    ['two long targets', [record('K', 'a'), record('K', 'b')], 'DUPLICATE_METADATA'],
    ['a NUL in a key', [record('x', pax({ 'a\0b': 'c' }))], 'INVALID_PAX'],
    [
      'global attributes of more than a MiB',
      Array.from({ length: 300 }, (_, i) => record('g', pax({ [`SCHILY.xattr.user.${i}`]: 'x'.repeat(4000) }))),
      'LIMIT_METADATA',
    ],
    ['a NUL in a path', [record('x', pax({ path: 'a\0b' }))], 'INVALID_PAX'],
    ['no length', [record('x', 'path=a\n')], 'INVALID_PAX'],
    ['a length of zero', [record('x', '0 path=a\n')], 'INVALID_PAX'],
    ['a length that is too great', [record('x', '99 path=a\n')], 'INVALID_PAX'],
    ['a length that is too small', [record('x', '5 path=a\n')], 'INVALID_PAX'],
    ['a huge length', [record('x', `${'9'.repeat(400)} path=a\n`)], 'INVALID_PAX'],
    ['no line feed', [record('x', '9 path=abc')], 'INVALID_PAX'],
    ['no equals sign', [record('x', '8 pathx\n')], 'INVALID_PAX'],
    ['no key', [record('x', '6 =abc\n')], 'INVALID_PAX'],
    ['no number for a size', [record('x', pax({ size: '1e3' }))], 'INVALID_PAX'],
    ['a negative size', [record('x', pax({ size: '-1' }))], 'INVALID_HEADER'],
    ['an attribute without a name', [record('x', pax({ 'SCHILY.xattr.': 'a' }))], 'INVALID_PAX'],
    ['an attribute with a name that is too long', [record('x', pax({ [`SCHILY.xattr.user.${'a'.repeat(251)}`]: 'a' }))], 'INVALID_PAX'],
    ['a time beyond all times', [record('x', pax({ mtime: '9223372036854775808' }))], 'INVALID_PAX'],
    ['a time of access that is none', [record('x', pax({ atime: 'garbage' }))], 'INVALID_PAX'],
    ['a time that is none', [record('x', pax({ mtime: 'NaN' }))], 'INVALID_PAX'],
    ['a size for all entries', [record('g', pax({ size: '5' }))], 'INVALID_PAX'],
    ['more than a MiB', [block({ type: 'x', size: 2 ** 20 })], 'LIMIT_METADATA'],
    ['a size that no memory has', [block({ type: 'L', size: 8 ** 10 })], 'LIMIT_METADATA'],
  ])('%s: refused', (_, records, code) => {
    expect(codeOf(() => readAll(Buffer.concat([...records, block({}), END])))).toBe(code);
  });

  it.each(['x', 'L', 'K'])('%s without an entry behind it: refused', (type) => {
    const data = type === 'x' ? pax({ path: 'a' }) : 'a';
    expect(codeOf(() => readAll(record(type, data)))).toBe('ORPHANED_METADATA');
    expect(codeOf(() => readAll(Buffer.concat([record(type, data), END])))).toBe('ORPHANED_METADATA');
  });

  it('what writers leave behind the last record is passed over', () => {
    expect(only(Buffer.concat([record('x', `${pax({ path: 'a' })}\0\0\0`), block({})])).member.path).toBe('a');
  });
});

describe('the end', () => {
  const file = Buffer.concat([block({ size: 700 }), padded('y'.repeat(700))]);

  it.each([
    ['two blocks', Buffer.concat([file, END])],
    ['one block', Buffer.concat([file, END.subarray(512)])],
    ['no block', file],
    ['blocks and what is behind them', Buffer.concat([file, END, Buffer.from('rubbish')])],
  ])('%s', (_, bytes) => {
    expect(only(bytes).size).toBe(700);
  });

  it('a lone block of zeros between entries is passed over', () => {
    expect(readAll(Buffer.concat([file, Buffer.alloc(512), file])).length).toBe(2);
  });

  it.each([1, 511, 513, 1000, 1212, 1535])('%d bytes of an entry are refused', (size) => {
    expect(codeOf(() => readAll(file.subarray(0, size)))).toBe('TRUNCATED');
  });
});

describe('limits', () => {
  it('entries', () => {
    expect(codeOf(() => readAll(tar(MANY), undefined, { maxEntries: MANY.length - 1 }))).toBe('LIMIT_ENTRIES');
    expect(readAll(tar(MANY), undefined, { maxEntries: MANY.length }).length).toBe(MANY.length);
  });

  it('records in front of an entry', () => {
    const bytes = Buffer.concat([record('L', 'x'.repeat(2000)), block({})]);
    expect(codeOf(() => readAll(bytes, undefined, { maxEntryMetadata: 1000 }))).toBe('LIMIT_METADATA');
  });
});

describe('sparse files', () => {
  it('holes at the beginning, in the middle and at the end become zeros', () => {
    const seen = only(Buffer.concat([oldGnu(6, 20, map([4, 3], [10, 3])), padded('abcdef')]));
    expect([seen.size, seen.content.toString('latin1')]).toEqual([20, `${'\0'.repeat(4)}abc${'\0'.repeat(3)}def${'\0'.repeat(7)}`]);
  });

  it('a file that is all hole', () => {
    const seen = only(oldGnu(0, 5000, map([5000, 0])));
    expect([seen.size, seen.content.length]).toEqual([5000, 5000]);
  });

  it('a map in the records, and the name that it gives', () => {
    const records = pax({ 'GNU.sparse.map': '2,3,8,1', 'GNU.sparse.size': '10', 'GNU.sparse.name': 'real', 'GNU.sparse.numblocks': '2' });
    const seen = only(Buffer.concat([record('x', records), block({ name: 'GNUSparseFile.0/real', size: 4 }), padded('abcd')]));
    expect([seen.member.path, seen.content.toString('latin1')]).toEqual(['real', '\0\0abc\0\0\0d\0']);
  });

  it.each([
    ['segments that overlap', oldGnu(6, 20, map([4, 3], [5, 3]))],
    ['a segment behind the end', oldGnu(6, 8, map([4, 3], [7, 3]))],
    ['more in the map than in the tar', oldGnu(6, 20, map([4, 3], [10, 4]))],
    ['half a segment', Buffer.concat([record('x', pax({ 'GNU.sparse.map': '1,2,3', 'GNU.sparse.size': '9' })), block({ size: 2 })])],
    ['numbers that are none', Buffer.concat([record('x', pax({ 'GNU.sparse.map': '1,-2', 'GNU.sparse.size': '9' })), block({ size: 2 })])],
    ['no size', Buffer.concat([record('x', pax({ 'GNU.sparse.map': '1,2' })), block({ size: 2 })])],
    [
      'a version that nobody writes',
      Buffer.concat([record('x', pax({ 'GNU.sparse.major': '2', 'GNU.sparse.minor': '0' })), block({ size: 2 })]),
    ],
    [
      'a map that does not end',
      Buffer.concat([
        record('x', pax({ 'GNU.sparse.major': '1', 'GNU.sparse.minor': '0', 'GNU.sparse.realsize': '9' })),
        block({ size: 512 }),
        padded('3\n1\n'),
        END,
      ]),
    ],
  ])('%s: refused', (_, bytes) => {
    expect(codeOf(() => readAll(Buffer.concat([bytes, padded('abcdef'), END])))).toBe('INVALID_SPARSE');
  });

  it('what they grow to is bounded', () => {
    expect(codeOf(() => readAll(oldGnu(0, 8 ** 11 - 1, map([0, 0])), undefined, { maxHoleBytes: 2 ** 20 }))).toBe('LIMIT_BYTES');
    const endless = Buffer.concat([
      oldGnu(0, 0, map([0, 0]), 1),
      ...Array.from({ length: 20 }, () => padded(Buffer.concat([Buffer.alloc(504), Buffer.from([1])]))),
    ]);
    expect(codeOf(() => readAll(endless, undefined, { maxEntryMetadata: 5000 }))).toBe('LIMIT_METADATA');
  });

  describe.runIf(needs('tar'))('as GNU tar writes them', () => {
    let directory = '';
    let content = Buffer.alloc(0);

    beforeAll(async () => {
      directory = mkdtempSync(join(tmpdir(), 'sparse-'));
      const file = await open(join(directory, 'file'), 'w');
      for (let i = 0; i < 40; i++) await file.write(`piece ${i}`, 50_000 * i + 4096);
      await file.truncate(3_000_000);
      await file.close();
      content = readFileSync(join(directory, 'file'));
    });
    afterAll(() => rmSync(directory, { recursive: true }));

    it.each([
      ['old GNU', ['--format=gnu']],
      ['0.0', ['--format=posix', '--sparse-version=0.0']],
      ['0.1', ['--format=posix', '--sparse-version=0.1']],
      ['1.0', ['--format=posix', '--sparse-version=1.0']],
    ])('%s', (_, args) => {
      const path = join(directory, 'tar');
      run('tar', '-C', directory, '--sparse', ...args, '-cf', path, 'file');
      const bytes = readFileSync(path);
      expect(bytes.length).toBeLessThan(1_000_000);
      const seen = only(bytes);
      const left = seen.member.records.filter(([key]) => key.startsWith('GNU.'));
      expect([seen.member.path, left, seen.size]).toEqual(['file', [], content.length]);
      expect(seen.content.equals(content)).toBe(true);
      expect(readAll(bytes, [700, 3])[0]?.content.equals(content)).toBe(true);
    });
  });
});

it('names are bytes', () => {
  const name = Buffer.from('caf\xe9/\xff', 'latin1');
  const { member } = only(tar([{ path: name }]));
  expect([member.path, escapeBytes(member.path)]).toEqual(['caf\xe9/\xff', 'caf\\xe9/\\xff']);
});

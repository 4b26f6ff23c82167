import { concatBytes } from '@cfskit/binary';
import { describe, expect, it } from 'vitest';
import { splitTar, TarSplitError, TarSplitter, type SplitSink, type TarMember, type TarSplitterOptions } from '../src/index.ts';
import { END, header, member, octal, pax, paxRecord, splitChunks, splitWhole, text } from './support.ts';

const GNU = 'ustar  \0';
const V7 = '\0\0\0\0\0\0\0\0';
const noSink: SplitSink = { inline() {}, fileStart() {}, fileData() {}, fileEnd() {} };

function failure(tar: Uint8Array, options: TarSplitterOptions = {}): object {
  try {
    splitWhole(tar, options);
  } catch (error) {
    return error as object;
  }
  throw new Error('accepted');
}

it('passes on views into the chunk, and never copies content', () => {
  const tar = concatBytes([member({ name: 'f' }, 'x'.repeat(1000)), END]);
  const seen: [string, number, number][] = [];
  const note = (kind: string) => (bytes: Uint8Array) => {
    expect(bytes.buffer).toBe(tar.buffer);
    seen.push([kind, bytes.byteOffset, bytes.length]);
  };
  const splitter = new TarSplitter({ ...noSink, inline: note('inline'), fileData: note('file') });
  splitter.push(tar);
  splitter.finish();
  expect(seen).toEqual([
    ['inline', 0, 512],
    ['file', 512, 1000],
    ['inline', 1512, 1048],
  ]);
});

it('leaves what it has kept alone when a chunk is used again', () => {
  const tar = concatBytes([pax({ path: 'long', 'SCHILY.xattr.user.a': 'b' }), header({ name: 'short' }), END]);
  const members: TarMember[] = [];
  const splitter = new TarSplitter(noSink, { onEntry: (entry) => members.push(entry) });
  const reused = Buffer.alloc(100);
  for (let at = 0; at < tar.length; at += reused.length) {
    const piece = tar.subarray(at, at + reused.length);
    reused.set(piece);
    splitter.push(reused.subarray(0, piece.length));
    reused.fill(0xff);
  }
  splitter.finish();
  expect(members.map(({ path, xattrs }) => [text(path), xattrs.map(({ name, value }) => [text(name), text(value)])])).toEqual([
    ['/long', [['user.a', 'b']]],
  ]);
});

it('counts', () => {
  const tar = concatBytes([
    member({}, 'a'.repeat(64)),
    member({}, 'b'.repeat(65)),
    member({ type: '7' }, 'c'.repeat(600)),
    header({ type: '5' }),
    END,
  ]);
  expect(splitWhole(tar).result).toEqual({ size: tar.length, entries: 4, files: 2, inlineBytes: tar.length - 665, fileBytes: 665 });
});

it('takes a source of either kind', async () => {
  expect(await splitTar([member({}, 'abc'), END], noSink)).toMatchObject({ size: 2048, entries: 1 });
  expect(await splitTar(ReadableStream.from([member({}, 'abc'), END]), noSink)).toMatchObject({ size: 2048, entries: 1 });
});

it.each([['2'], ['5'], ['1'], ['3'], ['6'], ['V'], ['D']])('content of type %s stays inline, however long', (type) => {
  const tar = concatBytes([member({ type }, 'x'.repeat(5000)), END]);
  expect(splitWhole(tar).pieces.map(({ kind }) => kind)).toEqual(['inline']);
});

it('a PAX size replaces the one in the header', () => {
  const tar = concatBytes([pax({ size: '70' }), header({ size: octal(3) }), new Uint8Array(512), END]);
  expect(splitWhole(tar).pieces.map(({ bytes }) => bytes.length)).toEqual([1536, 70, 1466]);
});

describe('the end', () => {
  const file = member({}, 'x'.repeat(100));
  it.each<[string, Uint8Array, string]>([
    ['inside a header', concatBytes([file, header().subarray(0, 511)]), 'unexpected EOF in tar stream'],
    ['inside a record', pax({ comment: 'x' }).subarray(0, 600), 'unexpected EOF in tar stream'],
    ['after a record', pax({ comment: 'x' }), 'unexpected EOF in tar stream'],
    ['after one zero block', concatBytes([file, new Uint8Array(512)]), 'unexpected EOF in tar stream'],
    ['before content', header({ size: octal(100) }), 'unexpected EOF reading tar entry'],
    ['inside content', file.subarray(0, 611), 'unexpected EOF reading tar entry'],
    ['inside an inline content', header({ size: octal(5) }), 'unexpected EOF reading tar entry'],
    ['before padding', file.subarray(0, 612), 'unexpected EOF reading tar padding'],
    ['inside padding', file.subarray(0, 1023), 'unexpected EOF reading tar padding'],
  ])('%s is an error', (_, tar, message) => {
    expect(failure(tar)).toMatchObject({ code: 'TRUNCATED', message, offset: tar.length });
  });

  it.each<[string, Uint8Array]>([
    ['of nothing', new Uint8Array(0)],
    ['after a file without end blocks', file],
    ['after a global record', member({ type: 'g' }, paxRecord('comment', 'x'))],
    ['after two zero blocks and anything', concatBytes([END, new Uint8Array(3).fill(1)])],
  ])('%s is fine', (_, tar) => {
    expect(splitWhole(tar).result.size).toBe(tar.length);
  });
});

it('after an error there is only the same error', () => {
  const splitter = new TarSplitter(noSink);
  const bad = header({ checksum: '0' });
  expect(() => splitter.push(bad)).toThrow(TarSplitError);
  expect(() => splitter.push(END)).toThrow(expect.objectContaining({ code: 'CHECKSUM_MISMATCH' }));
  expect(() => splitter.finish()).toThrow(expect.objectContaining({ code: 'CHECKSUM_MISMATCH' }));
});

it('an error of the sink comes through as it is', () => {
  const full = new RangeError('full');
  const splitter = new TarSplitter({
    ...noSink,
    inline() {
      throw full;
    },
  });
  expect(() => splitter.push(END)).toThrow(full);
  expect(() => splitter.finish()).toThrow(full);
});

it('says where an error is', () => {
  const tar = concatBytes([member({}, 'x'.repeat(1000)), header({ checksum: '1' })]);
  for (const size of [1, 512, 700, tar.length]) {
    const chunks = Array.from({ length: Math.ceil(tar.length / size) }, (_, i) => tar.subarray(i * size, (i + 1) * size));
    expect(() => splitChunks(chunks)).toThrow(expect.objectContaining({ offset: 1536 }));
  }
});

describe('onEntry', () => {
  it('describes what the listing will show', () => {
    const members: TarMember[] = [];
    const tar = concatBytes([
      pax({ uid: '70000', mtime: '5.25', 'SCHILY.xattr.b': '2', 'SCHILY.xattr.a': '1' }),
      member({ name: './f/', mode: '0100755', gid: '0000007' }, 'abc'),
      header({ name: 'h', type: '1', linkName: '/t/' }),
      header({ name: 's', type: '2', linkName: '/t/' }),
      header({ name: 'b', type: '4', major: '0000010', minor: '0000003' }),
      header({ name: 'v', type: '3', magic: V7 }),
      END,
    ]);
    splitWhole(tar, { onEntry: (entry) => members.push(entry) });
    expect(members.map((m) => ({ ...m, path: text(m.path), ...(m.target && { target: text(m.target) }) }))).toMatchObject([
      {
        type: 'file',
        path: '/./f',
        mode: 0o100755,
        uid: 70000,
        gid: 7,
        mtime: { seconds: 5n, nanoseconds: 250000000 },
        size: 3,
        offset: 1024,
        format: 'ustar',
        typeflag: 0x30,
      },
      { type: 'hard-link', path: '/h', target: '/t', offset: 2048 },
      { type: 'symlink', path: '/s', target: '/t/' },
      { type: 'block-device', path: '/b', rdev: 0x803n },
      { type: 'character-device', path: '/v' },
    ]);
    expect(members.at(0)!.xattrs.map(({ name }) => text(name))).toEqual(['a', 'b']);
    expect(members[4]).not.toHaveProperty('rdev');
  });
});

describe('onUnlistable', () => {
  it('names what a listing will refuse', () => {
    const problems: [string, number, string][] = [];
    const tar = concatBytes([member({ type: 'V' }, 'x'), header({ type: '4', magic: V7 }), header({ type: '5' }), END]);
    splitWhole(tar, { onUnlistable: ({ code, offset, message }) => problems.push([code, offset, message]) });
    expect(problems).toEqual([
      ['UNSUPPORTED_TYPE', 0, 'Unsupported entry type Other(86)'],
      ['NO_DEVICE_NUMBERS', 1024, 'Device entry without device numbers?'],
    ]);
  });
});

/** A further block of a sparse map. */
function mapBlock(next: boolean): Uint8Array {
  const bytes = new Uint8Array(512).fill(0x31);
  bytes[504] = next ? 1 : 0;
  return bytes;
}
/** An old GNU sparse header. */
function gnuSparse(extended: boolean, size: number): Uint8Array {
  const bytes = header({ type: 'S', magic: GNU, size: octal(size), checksum: '' });
  if (extended) bytes[482] = 1;
  const sum = bytes.reduce((total, byte) => total + byte, 8 * 0x20);
  bytes.set(header({ checksum: `${sum.toString(8)}\0` }).subarray(148, 156), 148);
  return bytes;
}

describe('sparse files', () => {
  const map = { 'GNU.sparse.map': '0,600' };
  const content = new Uint8Array(1024).fill(0x41);

  it.each<[string, Uint8Array[]]>([
    ['PAX', [pax(map), header({ size: octal(600) }), content]],
    ['old GNU', [gnuSparse(false, 600), content]],
    ['old GNU with two more blocks of map', [gnuSparse(true, 600), mapBlock(true), mapBlock(false), content]],
  ])('%s: refused, or stored as they are', (_, blocks) => {
    const tar = concatBytes([...blocks, END]);
    expect(failure(tar)).toMatchObject({ code: 'SPARSE', message: 'sparse tar entries are not supported' });
    const problems: string[] = [];
    const { pieces, result } = splitWhole(tar, { sparse: 'store', onUnlistable: ({ code }) => problems.push(code) });
    expect(pieces.map(({ kind, bytes }) => [kind, bytes.length])).toEqual([
      ['inline', tar.length - END.length - content.length],
      ['external', 600],
      ['inline', 424 + END.length],
    ]);
    expect([result.entries, problems]).toEqual([1, ['SPARSE']]);
  });

  it('a map on a directory does not make it a file', () => {
    const tar = concatBytes([pax(map), member({ type: '5' }, 'x'.repeat(600)), END]);
    expect(splitWhole(tar, { sparse: 'store' }).result.files).toBe(0);
  });

  it('may not end inside the map', () => {
    expect(failure(concatBytes([gnuSparse(true, 0), mapBlock(true)]), { sparse: 'store' })).toMatchObject({ code: 'TRUNCATED' });
  });
});

describe('limits', () => {
  const long = 'n'.repeat(300);
  it.each<[string, TarSplitterOptions, Uint8Array[], string]>([
    ['entries', { maxEntries: 1 }, [header(), header()], 'more than 1 entries'],
    ['PAX path', { maxPathLength: 299 }, [pax({ path: long }), header()], 'path of 300 bytes, at most 299 are allowed'],
    ['PAX target', { maxPathLength: 299 }, [pax({ linkpath: long }), header()], 'path of 300 bytes, at most 299 are allowed'],
    ['GNU path', { maxPathLength: 299 }, [member({ type: 'L' }, long), header()], 'path of 300 bytes, at most 299 are allowed'],
    ['xattrs', { maxXattrs: 1 }, [pax({ 'SCHILY.xattr.a': '', 'SCHILY.xattr.b': '' }), header()], '2 xattrs, at most 1 are allowed'],
  ])('%s', (_, options, blocks, message) => {
    const tar = concatBytes([...blocks, END]);
    expect(failure(tar, options)).toMatchObject({ code: 'LIMIT', message });
    expect(splitWhole(tar).result.size).toBe(tar.length);
  });
});

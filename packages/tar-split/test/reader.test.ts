import { concatBytes } from '@cfskit/binary';
import { describe, expect, it } from 'vitest';
import { readEntries, type TarChunk } from '../src/index.ts';
import { cutEvery, END, header, listAll, member, octal, pax, splitWhole, storedChunks, text } from './support.ts';

const inline = (...bytes: Uint8Array[]): TarChunk => ({ kind: 'inline', bytes: concatBytes(bytes), last: true });
const external: TarChunk = { kind: 'external', objectId: 'id' };

const large = header({ name: 'large', size: octal(100) });
const padding = new Uint8Array(412);

describe('chunks that no splitter makes', () => {
  it.each<[string, TarChunk[], string, string]>([
    ['a reference at the start', [external], 'UNEXPECTED_EXTERNAL', 'Unexpected external reference in splitstream'],
    [
      'a reference where a header is due',
      [inline(header()), external],
      'UNEXPECTED_EXTERNAL',
      'Unexpected external reference in splitstream',
    ],
    [
      'a second reference instead of padding',
      [inline(large), external, external],
      'UNEXPECTED_EXTERNAL',
      'Unexpected external reference in splitstream',
    ],
    [
      'a reference inside a record',
      [inline(pax({ a: 'b' }).subarray(0, 512)), external],
      'UNEXPECTED_EXTERNAL',
      'Unexpected external reference in splitstream',
    ],
    [
      'a small file in an object',
      [inline(header({ size: octal(64) })), external],
      'WRONG_PLACEMENT',
      'Splitstream incorrectly stored a small (64 byte) file external',
    ],
    [
      'a large file inline',
      [inline(member({}, 'x'.repeat(65)))],
      'WRONG_PLACEMENT',
      'Splitstream incorrectly stored a large (65 byte) file inline',
    ],
    [
      'a directory in an object',
      [inline(header({ type: '5', size: octal(100) })), external],
      'WRONG_PLACEMENT',
      'Unsupported external-chunked entry of type directory',
    ],
    ['half a header', [inline(header().subarray(0, 100))], 'SHORT_INLINE', 'Unexpectedly small inline content when parsing splitstream'],
    [
      'half a content',
      [inline(header({ size: octal(10) }), new Uint8Array(511))],
      'SHORT_INLINE',
      'Unexpectedly small inline content when parsing splitstream',
    ],
    [
      'half the padding',
      [inline(large), external, inline(padding.subarray(1))],
      'SHORT_INLINE',
      'Unexpectedly small inline content when parsing splitstream',
    ],
    ['no content', [inline(header({ size: octal(10) }))], 'TRUNCATED', 'Unexpected EOF in splitstream'],
    ['no reference', [inline(large)], 'TRUNCATED', 'Unexpected EOF in splitstream'],
    ['no padding', [inline(large), external], 'TRUNCATED', 'Unexpected EOF in splitstream'],
    ['a record without its entry', [inline(pax({ a: 'b' }))], 'TRUNCATED', 'Unexpected EOF in splitstream'],
    ['a sparse file', [inline(pax({ 'GNU.sparse.map': '' }), header())], 'SPARSE', 'Sparse tar entries are not supported'],
  ])('%s', async (_, chunks, code, message) => {
    expect((await listAll(chunks)).error).toMatchObject({ name: 'TarSplitError', code, message });
  });
});

describe('inline runs', () => {
  const tar = concatBytes([
    pax({ path: 'p' }),
    member({}, 'abc'),
    member({ name: 'd', type: '5' }, 'ignored'),
    member({ name: 'e' }, 'e'.repeat(200)),
    END,
  ]);
  const whole = storedChunks(splitWhole(tar).pieces);

  it.each([1, 7, 511, 512, 513])('in pieces of %d bytes list the same', async (size) => {
    const pieces = whole.flatMap((chunk): TarChunk[] => {
      if (chunk.kind === 'external') return [chunk];
      const parts = cutEvery(chunk.bytes, size);
      return parts.map((bytes, i) => ({ kind: 'inline', bytes, last: i === parts.length - 1 }));
    });
    expect(await listAll(pieces)).toEqual(await listAll(whole));
  });

  it('may touch between blocks', async () => {
    const chunks = [
      inline(pax({ path: 'p' }).subarray(0, 512)),
      inline(pax({ path: 'p' }).subarray(512)),
      inline(header({ size: octal(3) })),
      inline(member({}, 'abc').subarray(512)),
    ];
    const { entries } = await listAll(chunks);
    expect(entries.map(({ path }) => text(path))).toEqual(['/p']);
  });
});

it('yields the entries before an error first', async () => {
  const { entries, error } = await listAll([inline(header({ name: 'a' }), header({ name: 'b' }), header({ type: 'V' }), END)]);
  expect(entries.map(({ path }) => text(path))).toEqual(['/a', '/b']);
  expect(error).toMatchObject({ code: 'UNSUPPORTED_TYPE', offset: 1024 });
});

it('stops at the end blocks, and closes its source', async () => {
  let closed = false;
  const source = async function* (): AsyncGenerator<TarChunk> {
    try {
      yield inline(header(), END, header({ checksum: '1' }));
      throw new Error('read on');
    } finally {
      closed = true;
    }
  };
  let count = 0;
  for await (const entry of readEntries(source())) count += entry.path.length > 0 ? 1 : 0;
  expect([count, closed]).toEqual([1, true]);
});

it('does not keep the chunks alive', async () => {
  const bytes = concatBytes([
    pax({ path: 'p', linkpath: 't', 'SCHILY.xattr.a': 'v' }),
    member({}, 'abc'),
    header({ name: 'l', type: '2', linkName: 't' }),
    END,
  ]);
  const { entries } = await listAll([{ kind: 'inline', bytes, last: true }]);
  bytes.fill(0xff);
  expect(entries.map(({ path }) => text(path))).toEqual(['/p', '/l']);
  const [file, link] = entries;
  expect(file?.type === 'file' && file.content.kind === 'inline' && text(file.content.bytes)).toBe('abc');
  expect(file?.xattrs.map(({ name, value }) => [text(name), text(value)])).toEqual([['a', 'v']]);
  expect(link?.type === 'symlink' && text(link.target)).toBe('t');
});

it('keeps limits', async () => {
  const tar = concatBytes([header(), header(), END]);
  await expect(
    readEntries([inline(tar)], { maxEntries: 1 })
      .next()
      .then(() => readAll(tar)),
  ).rejects.toMatchObject({ code: 'LIMIT' });
});

async function readAll(tar: Uint8Array): Promise<void> {
  for await (const entry of readEntries([inline(tar)], { maxEntries: 1 })) expect(entry.type).toBe('file');
}

it('counts offsets over objects', async () => {
  const { error } = await listAll([inline(large), external, inline(padding, header({ type: 'V' }))]);
  expect(error).toMatchObject({ offset: 1024 });
});

import { concatBytes } from '@cfskit/binary';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { reconstruct, TarSplitError, TarSplitter, type TarChunk, type TarEntry } from '../src/index.ts';
import {
  collect,
  contentsOf,
  cut,
  END,
  listAll,
  member,
  octal,
  openPieces,
  pax,
  splitChunks,
  splitWhole,
  storedChunks,
  text,
} from './support.ts';

const part = fc.stringMatching(/^[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,30}$/);
const path = fc
  .array(part, { minLength: 1, maxLength: 19 })
  .map((parts) => parts.join('/'))
  .filter((joined) => joined.length <= 500);
const size = fc.oneof(
  fc.constantFrom(0, 1, 63, 64, 65, 511, 512, 513, 1023, 1024, 1025),
  fc.integer({ min: 0, max: 2112 }),
  fc.integer({ min: 0, max: 100_000 }),
);
const file = fc.record({
  path,
  size,
  fill: fc.integer({ min: 0, max: 255 }),
  mtime: fc.integer({ min: 0, max: 2 ** 33 - 1 }),
  junk: fc.boolean(),
});
type File = typeof file extends fc.Arbitrary<infer T> ? T : never;

const content = (f: File) => Buffer.from(Uint8Array.from({ length: f.size }, (_, i) => (i + f.fill) & 0xff));

/** One file: its path in the header, with a prefix in front, in an L record or in a PAX record, as it fits; padding with or without junk. */
function fileBytes(f: File): Uint8Array {
  const fields = { mtime: octal(f.mtime) };
  const bytes = content(f);
  const records =
    f.path.length <= 100 ? [] : f.fill % 2 === 0 ? [pax({ path: f.path })] : [member({ type: 'L', magic: 'ustar  \0' }, `${f.path}\0`)];
  const name = f.path.slice(0, 100);
  const last = member({ ...fields, name }, bytes);
  if (f.junk) last.fill(0xee, 512 + bytes.length);
  return concatBytes([...records, last]);
}

const archive = fc.record({ files: fc.array(file, { maxLength: 7 }), tail: fc.uint8Array({ maxLength: 700 }), end: fc.boolean() });

it('lists the files that went in, in their order, and gives the bytes back', async () => {
  await fc.assert(
    fc.asyncProperty(archive, fc.array(fc.nat(250_000), { maxLength: 12 }), async ({ files, tail, end }, places) => {
      const tar = concatBytes([...files.map(fileBytes), ...(end ? [END, tail] : [])]);
      const { pieces, result } = splitChunks(cut(tar, places));
      expect(result.size).toBe(tar.length);
      const { entries, error } = await listAll(storedChunks(pieces));
      expect(error).toBeUndefined();
      expect(entries.map((entry) => [text(entry.path), Number(entry.mtime.seconds)])).toEqual(files.map((f) => [`/${f.path}`, f.mtime]));
      expect(contentsOf(entries, pieces)).toEqual(files.map(content));
      expect(Buffer.compare(await collect(reconstruct(storedChunks(pieces), openPieces(pieces))), tar)).toBe(0);
    }),
    { numRuns: 64 },
  );
});

/** The listing, or the error of the package; any other error is a failure. */
async function outcomeOf(tar: Uint8Array): Promise<readonly TarEntry[] | TarSplitError> {
  try {
    const { entries, error } = await listAll(storedChunks(splitWhole(tar, { onUnlistable() {}, sparse: 'store' }).pieces));
    if (error !== undefined) throw error;
    return entries;
  } catch (error) {
    if (error instanceof TarSplitError) return error;
    throw error;
  }
}

function splitOutcome(chunks: Uint8Array[]): unknown {
  try {
    return splitChunks(chunks);
  } catch (error) {
    if (!(error instanceof TarSplitError)) throw error;
    return [error.code, error.offset, error.message];
  }
}

describe('anything else', () => {
  const base = concatBytes([
    pax({ path: 'p', mtime: '1.5', 'SCHILY.xattr.user.a': 'b', size: '600' }),
    member({ name: 'a' }, 'x'.repeat(600)),
    member({ type: 'L', magic: 'ustar  \0' }, 'long\0'),
    member({ type: 'K', magic: 'ustar  \0' }, 'target\0'),
    member({ type: '2', magic: 'ustar  \0' }, ''),
    member({ type: 'g' }, '12 path=abc\n'),
    member({ name: 'b', type: '3', major: '1', minor: '2' }, ''),
    member({ name: 'c' }, 'small'),
    END,
  ]);
  const mutation = fc.record({
    at: fc.nat(base.length - 1),
    value: fc.oneof(fc.integer({ min: 0, max: 255 }), fc.constantFrom(0, 0x20, 0x30, 0x37, 0x38, 0x80, 0xff)),
  });

  function mutate(mutations: readonly { at: number; value: number }[], fixChecksums: boolean): Uint8Array {
    const bytes = base.slice();
    for (const { at, value } of mutations) bytes[at] = value;
    if (!fixChecksums) return bytes;
    // Otherwise nearly every mutation would end at the checksum.
    for (let at = 0; at + 512 <= bytes.length; at += 512) {
      if (base[at + 257] !== 0x75) continue;
      bytes.fill(0x20, at + 148, at + 156);
      const sum = bytes.subarray(at, at + 512).reduce((total, byte) => total + byte, 0);
      bytes.set(
        Uint8Array.from(`${sum.toString(8).padStart(6, '0')}\0 `, (c) => c.charCodeAt(0)),
        at + 148,
      );
    }
    return bytes;
  }

  it('mutated archives are split or refused', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(mutation, { minLength: 1, maxLength: 8 }), fc.boolean(), async (mutations, fix) => {
        expect(await outcomeOf(mutate(mutations, fix))).toBeDefined();
      }),
      { numRuns: 1000 },
    );
  });

  it('arbitrary bytes are split or refused', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 3000 }), async (bytes) => {
        expect(await outcomeOf(bytes)).toBeDefined();
      }),
      { numRuns: 200 },
    );
  });

  it('the verdict does not depend on where chunks are cut', () => {
    fc.assert(
      fc.property(fc.array(mutation, { maxLength: 4 }), fc.array(fc.nat(base.length), { maxLength: 8 }), (mutations, places) => {
        const tar = mutate(mutations, true);
        expect(splitOutcome(cut(tar, places))).toEqual(splitOutcome([tar]));
      }),
      { numRuns: 300 },
    );
  });

  it('arbitrary chunks are listed or refused', async () => {
    const chunk: fc.Arbitrary<TarChunk> = fc.oneof(
      fc.record({ kind: fc.constant('external' as const), objectId: fc.constant('id') }),
      fc.record({
        kind: fc.constant('inline' as const),
        last: fc.boolean(),
        bytes: fc.oneof(
          fc.nat(base.length).map((at) => base.subarray(0, at)),
          fc.tuple(fc.nat(14), fc.nat(14)).map(([start, count]) => base.subarray(start * 512, (start + count) * 512)),
          fc.uint8Array({ maxLength: 600 }),
        ),
      }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(chunk, { maxLength: 10 }), async (chunks) => {
        const { error } = await listAll(chunks);
        expect(error === undefined || error instanceof TarSplitError).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it('a splitter that is pushed single bytes takes as long as its input, not more', () => {
    let calls = 0;
    const splitter = new TarSplitter({ inline: () => calls++, fileStart() {}, fileData: () => calls++, fileEnd() {} });
    for (let at = 0; at < base.length; at++) splitter.push(base.subarray(at, at + 1));
    splitter.finish();
    expect(calls).toBe(base.length);
  });
});

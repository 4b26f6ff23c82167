import { tar, type TarEntry } from '@cfskit/fixtures';
import { array, assert, asyncProperty, integer, record, string, uint8Array } from 'fast-check';
import { buffer } from 'node:stream/consumers';
import { finished } from 'node:stream/promises';
import { extract, pack } from 'tar-stream';
import { describe, expect, it } from 'vitest';
import { layerEntries } from '../src/index.ts';
import { bytesOf, failure } from './images.ts';

async function* cut(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array, void> {
  for (let at = 0; at < bytes.length; at += size) yield await Promise.resolve(bytes.subarray(at, at + size));
}

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

async function read(bytes: Uint8Array, size: number): Promise<[string, string, string][]> {
  const entries: [string, string, string][] = [];
  for await (const entry of layerEntries(cut(bytes, size)))
    entries.push([text(entry.path), entry.type, text(await bytesOf(entry.content()))]);
  return entries;
}

const entries: readonly TarEntry[] = [
  { path: 'etc/', type: 'dir' },
  { path: 'etc/hostname', content: 'box\n' },
  { path: 'empty' },
  { path: `${'long/'.repeat(40)}name`, content: 'x'.repeat(3000) },
  { path: 'link', type: 'symlink', target: 'etc/hostname' },
  { path: 'hard', type: 'hardlink', target: 'empty' },
  { path: 'last', content: 'y'.repeat(513) },
];
const expected = [
  ['/etc', 'directory', ''],
  ['/etc/hostname', 'file', 'box\n'],
  ['/empty', 'file', ''],
  [`/${'long/'.repeat(40)}name`, 'file', 'x'.repeat(3000)],
  ['/link', 'symlink', ''],
  ['/hard', 'hard-link', ''],
  ['/last', 'file', 'y'.repeat(513)],
];

describe('the entries of a layer', () => {
  it.each([1, 7, 511, 512, 513, 4096, 1_000_000])('come with their contents, whatever the chunks: %i bytes', async (size) => {
    expect(await read(tar(entries), size)).toEqual(expected);
  });

  it('may be left unread, in part or all', async () => {
    const seen: string[] = [];
    for await (const entry of layerEntries(cut(tar(entries), 700))) {
      seen.push(text(entry.path));
      if (entry.size > 600) for await (const piece of entry.content()) if (piece.length > 0) break;
    }
    expect(seen).toEqual(expected.map(([path]) => path));
  });

  it('cannot be read when the next one has been asked for', async () => {
    const all = await Array.fromAsync(layerEntries(cut(tar(entries), 700)));
    expect(await failure(bytesOf(all.at(1)!.content()))).toBeInstanceOf(RangeError);
  });

  it('close the source when the loop is left', async () => {
    let closed = false;
    async function* source(): AsyncGenerator<Uint8Array, void> {
      try {
        yield* cut(tar(entries), 512);
      } finally {
        closed = true;
      }
    }
    for await (const entry of layerEntries(source())) if (entry.type === 'file') break;
    expect(closed).toBe(true);
  });

  it('give a typed error for what is no tar, or ends in the middle', async () => {
    const bytes = tar(entries);
    expect(await failure(read(new TextEncoder().encode('<html>'.repeat(100)), 100))).toMatchObject({ name: 'TarSplitError' });
    expect(await failure(read(bytes.subarray(0, 1600), 100))).toMatchObject({ code: 'TRUNCATED' });
    const middle = (async () => {
      for await (const entry of layerEntries(cut(bytes.subarray(0, 3600), 100))) await bytesOf(entry.content());
    })();
    expect(await failure(middle)).toMatchObject({ code: 'TRUNCATED' });
  });

  it('are bounded when asked', async () => {
    expect(await failure(Array.fromAsync(layerEntries(cut(tar(entries), 512), { maxEntries: 3 })))).toMatchObject({ code: 'LIMIT' });
  });

  it('are those that tar-stream writes and reads', async () => {
    const name = string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 150 }).map((value) => `f${value.replaceAll(/[^\w]/g, '_')}`);
    await assert(
      asyncProperty(
        array(record({ name, content: uint8Array({ maxLength: 2000 }) }), { maxLength: 6 }),
        integer({ min: 1, max: 3000 }),
        async (files, size) => {
          const writer = pack();
          for (const { name: path, content } of files) writer.entry({ name: path }, Buffer.from(content));
          writer.finalize();
          const bytes = await buffer(writer);
          const reader = extract();
          const theirs: [string, string][] = [];
          reader.on('entry', (header, stream, next) => {
            const chunks: Buffer[] = [];
            stream.on('data', (chunk) => chunks.push(chunk as Buffer));
            stream.on('end', () => {
              theirs.push([header.name, Buffer.concat(chunks).toString('hex')]);
              next();
            });
          });
          reader.end(bytes);
          await finished(reader);
          const ours: [string, string][] = [];
          for await (const entry of layerEntries(cut(bytes, size))) {
            ours.push([text(entry.path).slice(1), Buffer.from(await bytesOf(entry.content())).toString('hex')]);
          }
          expect(ours).toEqual(theirs);
        },
      ),
      { numRuns: 40 },
    );
  });
});

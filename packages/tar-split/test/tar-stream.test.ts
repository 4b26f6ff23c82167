import { buffer } from 'node:stream/consumers';
import { extract, pack, type Header } from 'tar-stream';
import { expect, it } from 'vitest';
import { reconstruct } from '../src/index.ts';
import { collect, contentsOf, cutEvery, describeEntry, listAll, openPieces, splitChunks, splitWhole, storedChunks } from './support.ts';

type Written = readonly [headers: Partial<Header> & { readonly name: string }, content?: Buffer];

const content = (size: number) => Buffer.from(Uint8Array.from({ length: size }, (_, i) => (i * 7 + size) & 0xff));
const mtime = new Date('2001-09-09T01:46:40Z');
const long = `usr/${'long/'.repeat(60)}name`;
const far = `../${'x'.repeat(300)}`;

/** What tar-stream is given, and what the listing shows of it. */
const written: [Written, string][] = [
  [[{ name: 'usr/', type: 'directory', mode: 0o755, mtime }], '/usr 755 0:0 directory'],
  [[{ name: 'usr/empty', mode: 0o600, uid: 1000, gid: 1000, mtime }, content(0)], '/usr/empty 600 1000:1000 file'],
  [[{ name: 'usr/small', mode: 0o644, mtime }, content(64)], '/usr/small 644 0:0 file'],
  [[{ name: 'usr/large', mode: 0o755, uid: 70000, gid: 70001, mtime }, content(65)], '/usr/large 755 70000:70001 file'],
  [[{ name: 'usr/larger', mode: 0o4755, mtime }, content(300_000)], '/usr/larger 4755 0:0 file'],
  [[{ name: long, mode: 0o644, mtime }, content(100)], `/${long} 644 0:0 file`],
  [[{ name: 'usr/größe', mode: 0o644, mtime }, content(70)], '/usr/größe 644 0:0 file'],
  [[{ name: 'usr/link', type: 'symlink', linkname: far, mode: 0o777, mtime }], `/usr/link 777 0:0 symlink ${far}`],
  [[{ name: 'usr/hard', type: 'link', linkname: 'usr/large', mode: 0o644, mtime }], '/usr/hard 644 0:0 hard-link /usr/large'],
  [
    [{ name: 'usr/null', type: 'character-device', devmajor: 1, devminor: 3, mode: 0o666, mtime }],
    '/usr/null 666 0:0 character-device 259',
  ],
  [[{ name: 'usr/fifo', type: 'fifo', mode: 0o644, mtime }], '/usr/fifo 644 0:0 fifo'],
  [
    [{ name: 'usr/note', mode: 0o755, mtime, pax: { 'SCHILY.xattr.user.note': 'a=b' } }, content(5)],
    '/usr/note 755 0:0 file user.note=a=b',
  ],
];

function packAll(): Promise<Buffer> {
  const tar = pack();
  for (const [[headers, bytes]] of written) {
    if (bytes === undefined) tar.entry(headers);
    else tar.entry({ ...headers, size: bytes.length }, bytes);
  }
  tar.finalize();
  return buffer(tar);
}

it('lists what tar-stream wrote', async () => {
  const { pieces } = splitChunks(cutEvery(await packAll(), 1000));
  const { entries, error } = await listAll(storedChunks(pieces));
  expect(error).toBeUndefined();
  expect(entries.map(describeEntry)).toEqual(written.map(([, shown]) => shown));
  expect(new Set(entries.map((entry) => entry.mtime.seconds))).toEqual(new Set([1_000_000_000n]));
  expect(contentsOf(entries, pieces)).toEqual(written.flatMap(([[, bytes]]) => (bytes === undefined ? [] : [bytes])));
});

it('gives tar-stream back what it wrote', async () => {
  const { pieces } = splitWhole(await packAll());
  const reader = extract();
  const read: [string, string, Buffer][] = [];
  const done = (async () => {
    for await (const entry of reader) read.push([entry.header.name, entry.header.type ?? 'file', await buffer(entry)]);
  })();
  reader.end(await collect(reconstruct(storedChunks(pieces), openPieces(pieces))));
  await done;
  expect(read).toEqual(written.map(([[{ name, type }, bytes]]) => [name, type ?? 'file', bytes ?? Buffer.alloc(0)]));
});

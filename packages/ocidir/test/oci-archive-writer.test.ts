import { artifact, image, imageIndex, tar, tarLayer, toBlob, withTempDir, type Packaged } from '@cfskit/fixtures';
import { loadImage, mediaTypes, parsePlatform, readBlob } from '@cfskit/oci-spec';
import { lstat, mkdir, open, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { extract, type Header } from 'tar-stream';
import { describe, expect, it } from 'vitest';
import { openOciArchive, openOciArchiveWriter, type OciArchiveWriter } from '../src/index.ts';
import { collect, failure } from './layouts.ts';

const AMD64 = parsePlatform('linux/amd64');
const layer = tarLayer(tar([{ path: 'a', content: 'alpha' }]));
const one = image({ layers: [layer], platform: AMD64 });
const two = image({ layers: [layer, tarLayer(tar([{ path: 'b' }]), 'zstd')], platform: parsePlatform('linux/arm64') });
const index = imageIndex([
  { image: one, platform: AMD64 },
  { image: two, platform: parsePlatform('linux/arm64') },
]);

async function putBlobs(writer: OciArchiveWriter, packaged: Packaged): Promise<void> {
  await Promise.all(packaged.blobs.slice(1).map(({ descriptor, bytes }) => writer.putBlob(descriptor, [bytes])));
}

/** Runs `work` with a writer for `image.tar`, and gives the bytes of that file. */
async function written(work: (writer: OciArchiveWriter) => Promise<void>): Promise<Buffer> {
  return await withTempDir(async (directory) => {
    const path = join(directory, 'image.tar');
    const writer = await openOciArchiveWriter(path);
    await work(writer);
    await writer.finish();
    await writer.abort();
    expect(await readdir(directory)).toEqual(['image.tar']);
    return await readFile(path);
  });
}

/** What tar-stream finds. */
async function entriesOf(bytes: Uint8Array): Promise<(Header & { content: Buffer })[]> {
  const entries: (Header & { content: Buffer })[] = [];
  const reader = extract();
  reader.end(bytes);
  for await (const entry of reader) entries.push({ ...entry.header, content: Buffer.concat((await Array.fromAsync(entry)) as Buffer[]) });
  return entries;
}

async function* failing(bytes: Uint8Array): AsyncGenerator<Uint8Array, void> {
  yield bytes.subarray(0, 10);
  throw await Promise.resolve(new Error('connection lost'));
}

async function* late(bytes: Uint8Array, ms: number): AsyncGenerator<Uint8Array, void> {
  await new Promise((resolve) => setTimeout(resolve, ms));
  yield bytes;
}

/** Writes an image whose first blob comes late. */
function configAfter(ms: number): (writer: OciArchiveWriter) => Promise<void> {
  return async (writer) => {
    await Promise.all(
      one.blobs.slice(1).map(({ descriptor, bytes }, i) => writer.putBlob(descriptor, i === 0 ? late(bytes, ms) : [bytes])),
    );
    await writer.putManifest(one.bytes);
  };
}

describe('an archive that is written', () => {
  it('can be read, by this package', async () => {
    await withTempDir(async (directory) => {
      const path = join(directory, 'image.tar');
      const writer = await openOciArchiveWriter(path);
      await putBlobs(writer, index);
      await writer.putManifest(index.bytes, { tag: 'all' });
      const entry = await writer.putManifest(one.bytes, { tag: 'one', platform: AMD64 });
      expect(entry).toMatchObject({ ...one.descriptor, platform: AMD64 });
      await writer.finish();
      const archive = await openOciArchive(path, { strict: true });
      expect(await archive.tags()).toEqual(['all', 'one']);
      expect((await archive.resolveRoot({ tag: 'all' })).raw).toEqual(index.bytes);
      const { layers } = await loadImage(archive, { tag: 'all', platform: parsePlatform('linux/arm64') });
      expect(await readBlob(archive, layers.at(0)!.descriptor)).toEqual(layer.bytes);
      await archive.close();
    });
  });

  it('can be read by tar-stream, and has every entry once', async () => {
    const bytes = await written(async (writer) => {
      await putBlobs(writer, index);
      await putBlobs(writer, one);
      await writer.putManifest(index.bytes, { tag: 'all' });
    });
    const all = await entriesOf(bytes);
    const entries = all.slice(2);
    expect(bytes.length % 512).toBe(0);
    expect(all.slice(0, 2).map(({ name, type, mode }) => ({ name, type, mode }))).toEqual([
      { name: 'blobs/', type: 'directory', mode: 0o755 },
      { name: 'blobs/sha256/', type: 'directory', mode: 0o755 },
    ]);
    expect(entries.every(({ type, mode }) => type === 'file' && mode === 0o644)).toBe(true);
    expect(all.every(({ uid, mtime }) => uid === 0 && mtime?.getTime() === 0)).toBe(true);
    expect(entries.slice(-2).map(({ name }) => name)).toEqual(['index.json', 'oci-layout']);
    const names = entries.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    for (const { descriptor, bytes: content } of index.blobs) {
      const entry = entries.find(({ name }) => name === `blobs/sha256/${descriptor.digest.slice(7)}`);
      expect(Buffer.compare(entry!.content, content)).toBe(0);
    }
  });

  it('is the same bytes for the same calls, whatever finishes first', async () => {
    expect(Buffer.compare(await written(configAfter(0)), await written(configAfter(20)))).toBe(0);
  });

  it('may name blobs by sha512, whose names need a pax header', async () => {
    const blob = toBlob(layer.bytes, mediaTypes.layerGzip, 'sha512');
    const manifest = image({ layers: [{ ...blob, diffId: layer.diffId }] });
    const bytes = await written(async (writer) => {
      await putBlobs(writer, manifest);
      await writer.putManifest(manifest.bytes);
    });
    expect((await entriesOf(bytes)).some(({ name }) => name === `blobs/sha512/${blob.descriptor.digest.slice(7)}`)).toBe(true);
  });

  it('may hold a blob of 8 GiB and more, whose size needs a pax header', async () => {
    await withTempDir(async (directory) => {
      const path = join(directory, 'image.tar');
      const writer = await openOciArchiveWriter(path);
      const large = { mediaType: mediaTypes.layer, digest: `sha256:${'0'.repeat(64)}`, size: 8 * 2 ** 30 };
      expect(await failure(writer.putBlob(large, failing(new Uint8Array(10))))).toMatchObject({ message: 'connection lost' });
      const temporary = (await readdir(directory)).at(0)!;
      const handle = await open(join(directory, temporary), 'r');
      const head = Buffer.alloc(1024 + 512);
      await handle.read(head, 0, head.length, 1024); // behind the directories
      await handle.close();
      expect(head.toString('latin1')).toContain('19 size=8589934592\n');
      await writer.abort();
      expect(await readdir(directory)).toEqual([]);
    });
  });
});

describe('a blob that fails', () => {
  it('can be written again in its place', async () => {
    const bytes = await written(async (writer) => {
      expect(await failure(writer.putBlob(layer.descriptor, failing(layer.bytes)))).toMatchObject({ message: 'connection lost' });
      expect(await writer.hasBlob(layer.descriptor)).toBe(false);
      await putBlobs(writer, one);
      expect(await writer.hasBlob(layer.descriptor)).toBe(true);
      await writer.putManifest(one.bytes);
    });
    const names = (await entriesOf(bytes)).map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
  });

  it.each([
    ['other content', layer.bytes.with(20, 1), 'DIGEST_MISMATCH'],
    ['too little', layer.bytes.subarray(1), 'SIZE_MISMATCH'],
    ['too much', Buffer.concat([layer.bytes, layer.bytes]), 'SIZE_MISMATCH'],
  ])('leaves no archive: %s', async (_, bytes, code) => {
    await withTempDir(async (directory) => {
      const path = join(directory, 'image.tar');
      await writeFile(path, 'old');
      const writer = await openOciArchiveWriter(path);
      expect(await failure(writer.putBlob(layer.descriptor, [bytes]))).toMatchObject({ code });
      expect(await failure(writer.finish())).toMatchObject({ code: 'BLOB_NOT_FOUND' });
      await writer.abort();
      await writer.abort();
      expect(await readFile(path, 'latin1')).toBe('old');
      expect(await readdir(directory)).toEqual(['image.tar']);
    });
  });

  it('is refused: begun with another size, a digest that cannot be checked', async () => {
    await written(async (writer) => {
      await putBlobs(writer, one);
      expect(await failure(writer.putBlob({ ...layer.descriptor, size: 1 }, [layer.bytes]))).toMatchObject({ code: 'SIZE_MISMATCH' });
      expect(await failure(writer.putBlob({ ...layer.descriptor, digest: 'sha256:../x' }, []))).toMatchObject({
        code: 'UNSUPPORTED_DIGEST',
      });
    });
  });

  it('ends with the reason of an aborted signal', async () => {
    await withTempDir(async (directory) => {
      const writer = await openOciArchiveWriter(join(directory, 'image.tar'));
      const signal = AbortSignal.abort(new Error('enough'));
      expect(await failure(writer.putBlob(layer.descriptor, [layer.bytes], { signal }))).toBe(signal.reason);
      await writer.abort();
    });
  });
});

describe('a manifest', () => {
  it('is refused before all that it names is there', async () => {
    await written(async (writer) => {
      expect(await failure(writer.putManifest(one.bytes))).toMatchObject({ code: 'BLOB_NOT_FOUND' });
      await putBlobs(writer, one);
      expect(await failure(writer.putManifest(index.bytes))).toMatchObject({ code: 'BLOB_NOT_FOUND' });
      expect(await failure(writer.putManifest(new Uint8Array(3)))).toMatchObject({ code: 'INVALID_JSON' });
    });
  });

  it('may name foreign layers that are not there', async () => {
    const { config } = JSON.parse(new TextDecoder().decode(one.bytes)) as { config: object };
    const layers = [{ ...layer.descriptor, mediaType: mediaTypes.foreignLayerGzip, urls: ['https://example.com/x'] }];
    const raw = new TextEncoder().encode(JSON.stringify({ schemaVersion: 2, config, layers }));
    await written(async (writer) => {
      await writer.putBlob(one.blobs.at(1)!.descriptor, [one.blobs.at(1)!.bytes]);
      expect((await writer.putManifest(raw)).size).toBe(raw.length);
    });
  });

  it('replaces the entry of its tag, and tells what it refers to', async () => {
    const note = artifact({ artifactType: 'text/note', subject: one.descriptor });
    const bytes = await written(async (writer) => {
      await putBlobs(writer, index);
      await putBlobs(writer, note);
      await writer.putManifest(one.bytes, { tag: 'x' });
      await writer.putManifest(note.bytes);
      await writer.putManifest(two.bytes, { tag: 'x' });
    });
    const entry = (await entriesOf(bytes)).find(({ name }) => name === 'index.json');
    expect(JSON.parse(entry!.content.toString())).toMatchObject({
      manifests: [{ digest: note.descriptor.digest, artifactType: 'text/note' }, { digest: two.descriptor.digest }],
    });
  });
});

it('replaces an older file only when it is complete', async () => {
  await withTempDir(async (directory) => {
    const path = join(directory, 'image.tar');
    await mkdir(join(directory, 'sub'));
    await writeFile(path, 'old');
    const writer = await openOciArchiveWriter(path);
    await putBlobs(writer, one);
    await writer.putManifest(one.bytes);
    expect((await stat(path)).size).toBe(3);
    await writer.finish();
    const archive = await openOciArchive(path);
    expect((await collect(archive.open(layer.descriptor))).bytes).toEqual(layer.bytes);
    await archive.close();
  });
});

it('replaces the file that a link leads to, not the link', async () => {
  await withTempDir(async (directory) => {
    await mkdir(join(directory, 'sub'));
    await writeFile(join(directory, 'sub/real.tar'), 'old');
    await symlink('sub/real.tar', join(directory, 'image.tar'));
    const writer = await openOciArchiveWriter(join(directory, 'image.tar'));
    await putBlobs(writer, one);
    await writer.putManifest(one.bytes);
    await writer.finish();
    expect((await lstat(join(directory, 'image.tar'))).isSymbolicLink()).toBe(true);
    expect(await readdir(join(directory, 'sub'))).toEqual(['real.tar']);
    await (await openOciArchive(join(directory, 'sub/real.tar'))).close();
  });
});

it.each<[string, (path: string) => Promise<unknown> | number | null]>([
  ['a directory', (path) => mkdir(path)],
  ['a link to nothing', (path) => symlink('nowhere', path)],
  ['a link to itself', (path) => symlink('image.tar', path)],
  ['a FIFO', (path) => spawnSync('mkfifo', [path]).status],
])('replaces nothing but a file, neither at its beginning nor at its end: %s', async (_, make) => {
  await withTempDir(async (directory) => {
    const path = join(directory, 'image.tar');
    await make(path);
    expect(await failure(openOciArchiveWriter(path))).toMatchObject({ name: 'OciDirError', code: 'EXISTS', path });
    await rm(path, { recursive: true });
    const writer = await openOciArchiveWriter(path);
    await make(path);
    expect(await failure(writer.finish())).toMatchObject({ code: 'EXISTS' });
    await writer.abort();
    expect(await readdir(directory)).toEqual(['image.tar']);
  });
});

it('names what was asked for where it cannot be written', async () => {
  await withTempDir(async (directory) => {
    const path = join(directory, 'missing/image.tar');
    expect(await failure(openOciArchiveWriter(path))).toMatchObject({
      code: 'ENOENT',
      path,
      message: expect.stringContaining(`'${path}'`) as string,
    });
  });
});

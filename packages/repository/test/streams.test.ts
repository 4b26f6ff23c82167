import { splitstreamCodec } from '@cfskit/compression';
import { fsVerityDigest, objectPath, type ObjectId } from '@cfskit/fs-verity';
import { CONTENT_TYPE, SplitstreamWriter } from '@cfskit/splitstream';
import { mkdirSync, readlinkSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { createStreamWriter, LocalObjectStore, storeStream, type Repository } from '../src/index.ts';
import { FakeVerity, newRepository, testData, tree } from './support.ts';
import { build, scenario } from './vectors.ts';

const coded = (code: string): Error => expect.objectContaining({ name: 'RepositoryError', code }) as Error;

/** The writer of a small stream with one external object. */
function writerOf(repository: Repository, seed = 0): SplitstreamWriter {
  const writer = repository.createStreamWriter(CONTENT_TYPE.blob);
  writer.inline(testData(10, seed));
  const { id, size } = repository.objects.putSync(testData(100, seed));
  writer.external(id, size);
  return writer;
}

describe('writing', () => {
  it('stores the object, names it, and gives it a reference', async () => {
    const repository = await newRepository();
    const stored = await repository.writeStream(writerOf(repository), 'some-stream', { ref: 'a/b' });
    expect(stored).toMatchObject({ stored: true, streamSize: 110, inlineBytes: 10 });
    expect(readlinkSync(join(repository.path, 'streams/some-stream'))).toBe(`../objects/${objectPath(stored.id)}`);
    expect(readlinkSync(join(repository.path, 'streams/refs/a/b'))).toBe('../../some-stream');
    expect(repository.objects.sizeSync(stored.id)).toBe(stored.size);
    expect((await repository.fsck()).errors).toEqual([]);
  });
  it('has the bytes that the reference writes', async () => {
    const repository = await newRepository({ algorithm: 'sha256' });
    const writer = repository.createStreamWriter(0n);
    writer.inline(new TextEncoder().encode('hello'));
    // Splitstream format, "One inline chunk".
    const id = 'fbf48665a4925a6b9a6d6d606228574b6db1ce2002db657c21647e948d3e2c91';
    expect(await repository.writeStream(writer, 'hello')).toMatchObject({ id, size: 143 });
  });
  it('replaces what had the names', async () => {
    const repository = await newRepository();
    const first = await repository.writeStream(writerOf(repository), 'stream', { ref: 'ref' });
    await repository.writeStream(writerOf(repository, 2), 'other');
    const second = await repository.writeStream(writerOf(repository, 1), 'stream');
    expect(second.id).not.toBe(first.id);
    expect(repository.hasStream('stream')).toBe(second.id);
    await repository.nameStream('other', 'ref');
    expect(repository.listRefs()).toEqual([{ name: 'ref', target: '../other' }]);
  });
  it('syncs before it names, also where the name is right: its object may have been stored again', async () => {
    const repository = await newRepository();
    const sync = vi.spyOn(repository, 'sync');
    const { id } = await repository.writeStream(writerOf(repository), 'stream');
    expect(sync).toHaveBeenCalledTimes(1);
    sync.mockRejectedValue(new Error('EIO'));
    await expect(repository.registerStream('stream', id, 'ref')).rejects.toThrow('EIO');
    await expect(repository.registerStream('again', id, 'again')).rejects.toThrow('EIO');
    expect(repository.hasStream('again')).toBeUndefined();
    expect(repository.listRefs()).toEqual([]);
  });
  it('refuses bad names before anything is stored', async () => {
    const repository = await newRepository();
    const before = tree(repository.path);
    const writer = repository.createStreamWriter(0n);
    for (const [contentId, ref] of [
      ['a/b', 'x'],
      ['refs', 'x'],
      ['', 'x'],
      ['a', '..'],
      ['a', ''],
      ['a', 'b//c'],
    ] as const) {
      await expect(repository.writeStream(writer, contentId, { ref })).rejects.toThrow(coded('INVALID_NAME'));
      await expect(repository.registerStream(contentId, '00'.repeat(64), ref)).rejects.toThrow(coded('INVALID_NAME'));
      await expect(repository.nameStream(contentId, ref)).rejects.toThrow(coded('INVALID_NAME'));
      await expect(repository.ensureStream(contentId, () => Promise.resolve(writer), { ref })).rejects.toThrow(coded('INVALID_NAME'));
    }
    expect(tree(repository.path)).toEqual(before);
  });
  it('keeps long inline runs out of memory, and leaves no file of them', async () => {
    const repository = await newRepository();
    const writer = repository.createStreamWriter(CONTENT_TYPE.layer);
    for (let index = 0; index < 12; index++) writer.inline(testData(1 << 20, index));
    const { streamSize } = await repository.writeStream(writer, 'long');
    expect(streamSize).toBe(12 << 20);
    expect(tree(repository.path).filter((path) => path.includes('.tmp'))).toEqual([]);
    const stream = await repository.openStream('long');
    let size = 0;
    for await (const chunk of stream.chunks()) if (chunk.kind === 'inline') size += chunk.bytes.byteLength;
    expect(size).toBe(streamSize);
  });
});

describe('from another thread', () => {
  it('a store of its own is enough, and the name comes from here', async () => {
    const repository = await newRepository();
    const store = new LocalObjectStore({ path: repository.path, algorithm: repository.algorithm, secure: repository.secure });
    const writer = createStreamWriter(store, CONTENT_TYPE.layer);
    writer.inline(testData(10));
    const { id } = await storeStream(store, writer);
    expect(repository.hasStream('layer')).toBeUndefined();
    await repository.registerStream('layer', id, 'layer');
    expect(repository.hasStream('layer')).toBe(id);
  });
  it('an object that is not there gets no name', async () => {
    const repository = await newRepository();
    await expect(repository.registerStream('layer', '00'.repeat(64))).rejects.toThrow(coded('NOT_FOUND'));
    await expect(repository.registerStream('layer', 'no id')).rejects.toThrow(TypeError);
    expect(tree(repository.path)).toEqual(['meta.json']);
  });
});

describe('ensuring', () => {
  it('makes what is missing, once, and sets the reference in both cases', async () => {
    const repository = await newRepository();
    const produce = vi.fn<() => Promise<SplitstreamWriter>>(() => Promise.resolve(writerOf(repository)));
    const id = await repository.ensureStream('stream', produce, { ref: 'one' });
    expect(await repository.ensureStream('stream', produce, { ref: 'two' })).toBe(id);
    expect(await repository.ensureStream('stream', produce)).toBe(id);
    expect(produce).toHaveBeenCalledTimes(1);
    expect(repository.listRefs().map(({ name }) => name)).toEqual(['one', 'two']);
  });
  it('makes again what a name leads to in vain', async () => {
    const repository = await newRepository();
    const { id } = await repository.writeStream(writerOf(repository), 'stream');
    unlinkSync(repository.objects.pathOf(id));
    repository.objects.forget();
    expect(repository.hasStream('stream')).toBeUndefined();
    expect(await repository.ensureStream('stream', () => Promise.resolve(writerOf(repository)))).toBe(id);
    expect((await repository.fsck()).errors).toEqual([]);
  });
  it('stores nothing when the producer fails', async () => {
    const repository = await newRepository();
    await expect(repository.ensureStream('stream', () => Promise.reject(new Error('no source')), { ref: 'x' })).rejects.toThrow(
      'no source',
    );
    expect(tree(repository.path)).toEqual(['meta.json']);
  });
});

describe('looking up', () => {
  it('tells what is there', async () => {
    const repository = await newRepository();
    expect(repository.hasStream('stream')).toBeUndefined();
    const { id } = await repository.writeStream(writerOf(repository), 'stream');
    expect(repository.hasStream('stream')).toBe(id);
    expect(() => repository.hasStream('../objects')).toThrow(coded('INVALID_NAME'));
  });
  it('refuses links that are none of a stream', async () => {
    const repository = await newRepository();
    mkdirSync(join(repository.path, 'streams'));
    symlinkSync(`objects/${objectPath('00'.repeat(64))}`, join(repository.path, 'streams/prefix'));
    symlinkSync('../objects/00', join(repository.path, 'streams/short'));
    writeFileSync(join(repository.path, 'streams/file'), 'x');
    expect(() => repository.hasStream('prefix')).toThrow('stream symlink has incorrect prefix');
    expect(() => repository.hasStream('short')).toThrow(coded('INVALID_LINK'));
    expect(() => repository.hasStream('file')).toThrow(coded('UNEXPECTED_FILE_TYPE'));
  });
});

describe('opening', () => {
  it('by content id, by reference, and by object', async () => {
    const repository = await newRepository();
    const { id } = await repository.writeStream(writerOf(repository), 'stream', { ref: 'a/b' });
    for (const name of ['stream', 'refs/a/b', { id }]) {
      const stream = await repository.openStream(name, { contentType: CONTENT_TYPE.blob });
      expect(stream.objectRefs).toEqual([fsVerityDigest(testData(100), 'sha512')]);
      const chunks = await Array.fromAsync(stream.chunks());
      expect(chunks.map(({ kind }) => kind)).toEqual(['inline', 'external']);
    }
  });
  it('refuses another content type, naming the stream', async () => {
    const repository = await newRepository();
    await repository.writeStream(writerOf(repository), 'stream');
    const opening = repository.openStream('stream', { contentType: CONTENT_TYPE.layer });
    await expect(opening).rejects.toThrow("Opening stream 'stream': Invalid splitstream content type");
    await expect(opening).rejects.toMatchObject({ code: 'INVALID_STREAM', cause: { code: 'CONTENT_TYPE_MISMATCH' } });
  });
  it.each([
    ['stream that is no splitstream', 'bad', 'BAD_MAGIC'],
    ['stream shorter than its header', 'bad', 'TRUNCATED_HEADER'],
    ['stream of the digest-map generation', 'ab'.repeat(32), 'UNSUPPORTED_GENERATION'],
    ['stream of the other algorithm', 'other', 'ALGORITHM_MISMATCH'],
  ])('refuses a %s', async (name, contentId, code) => {
    const repository = await newRepository({ algorithm: 'sha256' });
    build(repository.path, scenario(name));
    await expect(repository.openStream(contentId)).rejects.toMatchObject({ code: 'INVALID_STREAM', cause: { code } });
  });
  it('reads streams of the generation with the old header', async () => {
    const repository = await newRepository({ algorithm: 'sha256' });
    build(repository.path, scenario('stream with an old header'));
    expect(await repository.openStream('refs/old')).toMatchObject({ generation: 'old-header', objectRefs: [expect.any(String)] });
  });
  it('refuses what is not there', async () => {
    const repository = await newRepository();
    await expect(repository.openStream('none')).rejects.toThrow("Opening ref 'streams/none': no such stream");
    await expect(repository.openStream('refs/none')).rejects.toThrow(coded('NOT_FOUND'));
    await expect(repository.openStream({ id: '00'.repeat(64) })).rejects.toThrow(coded('NOT_FOUND'));
    for (const name of ['', 'refs', 'refs/', '../meta.json', 'refs/../../meta.json', 'a/b']) {
      await expect(repository.openStream(name)).rejects.toThrow(coded('INVALID_NAME'));
    }
  });
  it('has the kernel vouch for it in a secure repository', async () => {
    const verity = new FakeVerity();
    const repository = await newRepository({ insecure: false, verity });
    const { id } = await repository.writeStream(writerOf(repository), 'stream');
    await repository.openStream('stream');
    verity.enabled.clear();
    await expect(repository.openStream('stream')).rejects.toThrow(coded('VERITY_MISSING'));
    await expect(repository.openStream({ id })).rejects.toThrow(coded('VERITY_MISSING'));
  });
  it('large ones are read piece by piece, each time from the same file', async () => {
    const repository = await newRepository();
    const writer = repository.createStreamWriter(CONTENT_TYPE.layer);
    const noise = new Uint8Array(3 << 20);
    for (let at = 0; at < noise.byteLength; at += 65_536) crypto.getRandomValues(noise.subarray(at, at + 65_536));
    writer.inline(noise);
    const { id } = await repository.writeStream(writer, 'large');
    const stream = await repository.openStream('large');
    const pieces: Uint8Array[] = [];
    for await (const chunk of stream.chunks()) if (chunk.kind === 'inline') pieces.push(chunk.bytes);
    expect(Buffer.concat(pieces).equals(noise)).toBe(true);
    rmSync(repository.objects.pathOf(id));
    writeFileSync(repository.objects.pathOf(id), noise);
    await expect(Array.fromAsync(stream.chunks())).rejects.toThrow(coded('CORRUPT_OBJECT'));
  });
});

describe('listing', () => {
  it('has every stream with its references, and nothing that is none', async () => {
    const repository = await newRepository();
    const { id } = await repository.writeStream(writerOf(repository), 'b', { ref: 'z' });
    const other = await repository.writeStream(writerOf(repository, 1), 'a');
    for (const ref of ['x/y', 'a']) await repository.nameStream('b', ref);
    writeFileSync(join(repository.path, 'streams/file'), 'x');
    symlinkSync(`../objects/${objectPath('00'.repeat(64))}`, join(repository.path, 'streams/gone'));
    symlinkSync('elsewhere', join(repository.path, 'streams/else'));
    expect(repository.streams()).toEqual([
      { contentId: 'a', id: other.id, refs: [] },
      { contentId: 'b', id, refs: ['a', 'x/y', 'z'] },
    ]);
    expect((await newRepository()).streams()).toEqual([]);
  });
});

describe('references', () => {
  it('name what exists', async () => {
    const repository = await newRepository();
    await expect(repository.nameStream('none', 'ref')).rejects.toThrow(coded('NOT_FOUND'));
    await expect(repository.nameImage('00'.repeat(64), 'ref')).rejects.toThrow(coded('NOT_FOUND'));
    expect(tree(repository.path)).toEqual(['meta.json']);
  });
  it('are listed in order, below a prefix, without what is none', async () => {
    const repository = await newRepository();
    await repository.writeStream(writerOf(repository), 'stream');
    for (const ref of ['oci/b', 'oci/a', 'z', 'oci/deep/er', 'ocix']) await repository.nameStream('stream', ref);
    writeFileSync(join(repository.path, 'streams/refs/file'), 'x');
    symlinkSync('../stream', Buffer.concat([Buffer.from(`${repository.path}/streams/refs/`), Buffer.from([0xff, 0xfe])]));
    expect(repository.listRefs().map(({ name }) => name)).toEqual(['oci/a', 'oci/b', 'oci/deep/er', 'ocix', 'z']);
    expect(repository.listRefs('oci')).toEqual([
      { name: 'a', target: '../../stream' },
      { name: 'b', target: '../../stream' },
      { name: 'deep/er', target: '../../../stream' },
    ]);
    expect(repository.listRefs('oci/')).toEqual(repository.listRefs('oci'));
    for (const prefix of ['none', 'z']) expect(repository.listRefs(prefix)).toEqual([]);
    expect(repository.listRefs('', 'images')).toEqual([]);
    expect(() => repository.listRefs('../..')).toThrow(coded('INVALID_NAME'));
  });
  it('are removed', async () => {
    const repository = await newRepository();
    await repository.writeStream(writerOf(repository), 'stream', { ref: 'a/b' });
    expect(await repository.removeRef('a/b')).toBe(true);
    expect(await repository.removeRef('a/b')).toBe(false);
    await expect(repository.removeRef('a')).rejects.toThrow(coded('UNEXPECTED_FILE_TYPE'));
    await expect(repository.removeRef('../stream')).rejects.toThrow(coded('INVALID_NAME'));
    expect(repository.hasStream('stream')).toBeDefined();
  });
});

it('a writer made by hand is as good', async () => {
  const repository = await newRepository();
  const writer = new SplitstreamWriter({ algorithm: 'sha512', contentType: 0n, codec: splitstreamCodec });
  const ids: ObjectId[] = [];
  ids.push((await repository.writeStream(writer, 'empty')).id);
  expect(repository.hasStream('empty')).toBe(ids[0]);
});

import { splitstreamCodec } from '@cfskit/compression';
import type { ObjectId } from '@cfskit/fs-verity';
import { SplitstreamWriter } from '@cfskit/splitstream';
import { symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { gcJson, RepositoryError, type GcResult, type Repository } from '../src/index.ts';
import { newRepository, testData, tree } from './support.ts';

/** Image bytes of these tests: a line per object id. */
const image = (...ids: readonly ObjectId[]): Uint8Array => new TextEncoder().encode(`image\n${ids.join('\n')}`);
function imageReader(bytes: Uint8Array): readonly ObjectId[] {
  const [first, ...ids] = new TextDecoder().decode(bytes).split('\n');
  if (first !== 'image') throw new Error('Invalid image');
  return ids.filter((id) => id !== '');
}

const open = (): Promise<Repository> => newRepository({ imageReader });
const put = (repository: Repository, seed: number): ObjectId => repository.objects.putSync(testData(64 * 1024, seed)).id;

/** A stream of some objects and named references. */
async function write(
  repository: Repository,
  contentId: string,
  objects: readonly ObjectId[],
  { ref, refs = {} }: { ref?: string; refs?: Readonly<Record<string, ObjectId>> } = {},
): Promise<ObjectId> {
  const writer = new SplitstreamWriter({ algorithm: repository.algorithm, contentType: 0n, codec: splitstreamCodec });
  writer.inline(new TextEncoder().encode(contentId));
  for (const id of objects) writer.external(id, 64 * 1024);
  for (const [name, id] of Object.entries(refs)) writer.namedRef(name, id);
  return (await repository.writeStream(writer, contentId, { ref })).id;
}

function counts({ objectsRemoved, imagesPruned, streamsPruned }: GcResult): readonly number[] {
  return [objectsRemoved, imagesPruned, streamsPruned];
}

/** A dry run and a real one: the same figures, and the repository in order. */
async function collect(repository: Repository, roots: readonly string[] = []): Promise<readonly number[]> {
  const planned = await repository.gc({ roots, dryRun: true });
  const result = await repository.gc({ roots });
  expect(planned).toEqual(result);
  expect((await repository.fsck()).errors).toEqual([]);
  return counts(result);
}

// The shapes and figures of the reference's tests, named after them.
describe('streams', () => {
  it('removes one stream', async () => {
    const repository = await open();
    put(repository, 1);
    await write(repository, 'one', [put(repository, 2)]);
    expect(await collect(repository)).toEqual([3, 0, 1]);
    expect(tree(repository.path)).toEqual(['meta.json']);
  });
  it('keeps one stream', async () => {
    const repository = await open();
    put(repository, 1);
    const kept = put(repository, 2);
    const id = await write(repository, 'one', [kept]);
    expect(await collect(repository, ['one'])).toEqual([1, 0, 0]);
    expect([id, kept].every((one) => repository.objects.hasSync(one))).toBe(true);
    expect(repository.hasStream('one')).toBe(id);
  });
  it('keeps one stream from refs', async () => {
    const repository = await open();
    put(repository, 1);
    await write(repository, 'one', [put(repository, 2)], { ref: 'ref-name' });
    expect(await collect(repository)).toEqual([1, 0, 0]);
  });
  it('keeps one stream from two overlapped', async () => {
    const repository = await open();
    put(repository, 1);
    const shared = put(repository, 2);
    await write(repository, 'one', [shared]);
    await write(repository, 'two', [shared, put(repository, 3)]);
    expect(await collect(repository, ['one'])).toEqual([3, 0, 1]);
    expect(repository.objects.hasSync(shared)).toBe(true);
  });
  it('keeps named references', async () => {
    const repository = await open();
    const [first, second] = [put(repository, 1), put(repository, 2)];
    const one = await write(repository, 'one', [first]);
    await write(repository, 'two', [second], { refs: { one } });
    expect(await collect(repository, ['two'])).toEqual([0, 0, 0]);
  });
  it('keeps named references with a different table name', async () => {
    const repository = await open();
    const one = await write(repository, 'one', [put(repository, 1)]);
    await write(repository, 'two', [put(repository, 2)], { refs: { other: one }, ref: 'two' });
    expect(await collect(repository)).toEqual([0, 0, 0]);
  });
  it('keeps one named reference from two overlapped', async () => {
    const repository = await open();
    put(repository, 9);
    const shared = put(repository, 1);
    const one = await write(repository, 'one', [shared]);
    const two = await write(repository, 'two', [shared, put(repository, 2)]);
    await write(repository, 'three', [], { refs: { one }, ref: 'three' });
    await write(repository, 'four', [], { refs: { two } });
    expect(await collect(repository)).toEqual([4, 0, 2]);
  });
  it('follows references by id, through streams without a name, in rings too', async () => {
    const repository = await open();
    const inner = await write(repository, 'inner', [put(repository, 1)]);
    const outer = await write(repository, 'outer', [put(repository, 2)], { refs: { inner } });
    await write(repository, 'root', [], { refs: { outer }, ref: 'root' });
    await write(repository, 'inner', [put(repository, 3)]);
    await write(repository, 'outer', [put(repository, 4)]);
    // What the names lead to now is not in use; what the root means is, though no name leads there.
    expect(await collect(repository)).toEqual([4, 0, 2]);
    for (const seed of [1, 2]) expect(repository.objects.hasSync(put(repository, seed))).toBe(true);
    expect(repository.objects.hasSync(inner)).toBe(true);
  });
});

describe('images', () => {
  it('removes one image', async () => {
    const repository = await open();
    put(repository, 1);
    await repository.writeImage(image(put(repository, 2)));
    expect(await collect(repository)).toEqual([3, 1, 0]);
  });
  it('keeps one image', async () => {
    const repository = await open();
    put(repository, 1);
    const id = await repository.writeImage(image(put(repository, 2)));
    expect(await collect(repository, [id])).toEqual([1, 0, 0]);
  });
  it('keeps one image from refs', async () => {
    const repository = await open();
    put(repository, 1);
    await repository.writeImage(image(put(repository, 2)), { ref: 'ref-name' });
    expect(await collect(repository)).toEqual([1, 0, 0]);
  });
  it('keeps one image from two overlapped', async () => {
    const repository = await open();
    put(repository, 1);
    const shared = put(repository, 2);
    await repository.writeImage(image(shared), { ref: 'one' });
    await repository.writeImage(image(shared, put(repository, 3)));
    expect(await collect(repository)).toEqual([3, 1, 0]);
  });
  it('keeps an image that a stream names, without looking into it', async () => {
    const repository = await newRepository();
    const id = await repository.writeImage(image(put(repository, 1)));
    await write(repository, 'config', [put(repository, 2)], { refs: { 'composefs.image': id }, ref: 'config' });
    expect(await collect(repository)).toEqual([1, 0, 0]);
    expect(repository.images()).toEqual([{ id, refs: [] }]);
  });
});

/** Something to collect, and a root. */
async function filled(options: Parameters<typeof newRepository>[0] = { imageReader }): Promise<Repository> {
  const repository = await newRepository(options);
  put(repository, 1);
  await write(repository, 'dead', [put(repository, 2)]);
  await write(repository, 'live', [put(repository, 3)], { ref: 'live' });
  return repository;
}

/** Codes of the errors of a dry run and of a real one, which must not change anything. */
async function refusal(repository: Repository, roots: readonly string[] = []): Promise<readonly unknown[]> {
  const before = tree(repository.path);
  const codes: unknown[] = [];
  for (const dryRun of [true, false]) {
    const outcome = await repository.gc({ roots, dryRun }).catch((error: unknown) => error);
    codes.push(outcome instanceof RepositoryError ? outcome.code : outcome);
  }
  expect(tree(repository.path)).toEqual(before);
  return codes;
}

describe('is refused, and removes nothing,', () => {
  it('if images are in use and nothing reads them', async () => {
    const repository = await filled({});
    const id = await repository.writeImage(image());
    expect(await refusal(repository, [id])).toEqual(['NO_IMAGE_READER', 'NO_IMAGE_READER']);
    await repository.nameImage(id, 'image');
    expect(await refusal(repository)).toEqual(['NO_IMAGE_READER', 'NO_IMAGE_READER']);
    await repository.removeRef('image', 'images');
    expect(counts(await repository.gc())).toEqual([4, 1, 1]);
  });
  it('if an image in use is none', async () => {
    const repository = await filled();
    await repository.writeImage(testData(10), { ref: 'image' });
    expect(await refusal(repository)).toEqual(['INVALID_IMAGE', 'INVALID_IMAGE']);
  });
  it('if an image in use is damaged', async () => {
    const repository = await filled();
    const id = await repository.writeImage(image(), { ref: 'image' });
    writeFileSync(repository.objects.pathOf(id), image('00'.repeat(64)));
    expect(await refusal(repository)).toEqual(['CORRUPT_OBJECT', 'CORRUPT_OBJECT']);
  });
  it('if a stream in use is damaged, though it can be read', async () => {
    const repository = await filled();
    const id = repository.hasStream('live')!;
    const bytes = repository.objects.readSync(id, { limit: 10_000 });
    // A flag that readers ignore.
    writeFileSync(repository.objects.pathOf(id), bytes.with(12, 1));
    await expect(repository.openStream('live')).resolves.toBeDefined();
    expect(await refusal(repository)).toEqual(['CORRUPT_OBJECT', 'CORRUPT_OBJECT']);
  });
  it('if a reference dangles', async () => {
    const repository = await filled();
    symlinkSync('../gone', join(repository.path, 'streams/refs/gone'));
    expect(await refusal(repository)).toEqual(['DANGLING_REF', 'DANGLING_REF']);
  });
  it('if a name is not UTF-8', async () => {
    const repository = await filled();
    const name = Buffer.concat([Buffer.from(`${repository.path}/streams/`), Buffer.from([0xff])]);
    symlinkSync('../objects/00', name);
    expect(await refusal(repository)).toEqual(['INVALID_NAME', 'INVALID_NAME']);
  });
  it('after the signal', async () => {
    const repository = await filled();
    const before = tree(repository.path);
    await expect(repository.gc({ signal: AbortSignal.abort(new Error('enough')) })).rejects.toThrow('enough');
    expect(tree(repository.path)).toEqual(before);
  });
});

it('names roots that are none', async () => {
  const repository = await open();
  await write(repository, 'one', []);
  expect(await repository.gc({ roots: ['one', 'two'], dryRun: true })).toMatchObject({ objectsRemoved: 0, unknownRoots: ['two'] });
});

it('counts bytes, and prints the shape of cfsctl', async () => {
  const repository = await open();
  put(repository, 1);
  const result = await repository.gc({ dryRun: true });
  expect(JSON.stringify(gcJson(result, true))).toBe(
    '{"result":{"objects_removed":1,"objects_bytes":65536,"images_pruned":0,"streams_pruned":0},"dry_run":true}',
  );
});

import { objectPath } from '@cfskit/fs-verity';
import { readlinkSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { FakeVerity, newRepository, testData } from './support.ts';

const coded = (code: string): Error => expect.objectContaining({ name: 'RepositoryError', code }) as Error;

it('an image is stored, synced, and named', async () => {
  const repository = await newRepository();
  const sync = vi.spyOn(repository, 'sync');
  const id = await repository.writeImage(testData(5000), { ref: 'os/main' });
  expect(sync).toHaveBeenCalledTimes(1);
  expect(readlinkSync(join(repository.path, 'images', id))).toBe(`../objects/${objectPath(id)}`);
  expect(readlinkSync(join(repository.path, 'images/refs/os/main'))).toBe(`../../${id}`);
  await repository.nameImage(id, 'main');
  const other = await repository.writeImage(testData(5001));
  expect(repository.images()).toEqual(
    [
      { id, refs: ['main', 'os/main'] },
      { id: other, refs: [] },
    ].toSorted((a, b) => (a.id < b.id ? -1 : 1)),
  );
  expect(repository.listRefs('os', 'images')).toEqual([{ name: 'main', target: `../../${id}` }]);
});

it('an image may come in pieces, or not at all', async () => {
  const repository = await newRepository();
  const bytes = testData(3_000_000);
  const pieces = (write: (piece: Uint8Array) => void): void => {
    const memory = new Uint8Array(700_000); // one for all
    for (let at = 0; at < bytes.length; at += memory.length) {
      const piece = bytes.subarray(at, at + memory.length);
      memory.set(piece);
      write(memory.subarray(0, piece.length));
    }
  };
  const id = await repository.writeImage(pieces, { ref: 'main' });
  expect(repository.readImage('main').bytes).toEqual(bytes);
  expect(await repository.writeImage(bytes)).toBe(id);
  const failing = (write: (piece: Uint8Array) => void): void => {
    pieces(write);
    throw new Error('does not end');
  };
  const failed = repository.writeImage(failing, { ref: 'other' });
  await expect(failed).rejects.toThrow('does not end');
  expect(repository.images()).toEqual([{ id, refs: ['main'] }]);
});

it('an image is found by id, by reference, and by the bare name of a reference', async () => {
  const repository = await newRepository();
  const id = await repository.writeImage(testData(5000), { ref: 'main' });
  for (const name of [id, id.toUpperCase(), 'refs/main', 'main']) {
    expect(repository.openImage(name)).toEqual({ id, path: repository.objects.pathOf(id), requireVerity: false });
  }
  expect(() => repository.openImage('none')).toThrow('image not found: none');
  expect(() => repository.openImage('00'.repeat(64))).toThrow(coded('NOT_FOUND'));
  expect(() => repository.openImage('../streams')).toThrow(coded('INVALID_NAME'));
});

it('an image is read, whatever it is called', async () => {
  const repository = await newRepository();
  const id = await repository.writeImage(testData(5000), { ref: 'main' });
  for (const name of [id, 'refs/main', 'main']) expect(repository.readImage(name)).toEqual({ id, bytes: testData(5000) });
  expect(() => repository.readImage('none')).toThrow(coded('NOT_FOUND'));
  writeFileSync(repository.objects.pathOf(id), testData(5000, 1));
  expect(() => repository.readImage('main')).toThrow(coded('CORRUPT_OBJECT'));
});

it('an image of a secure repository is read without hashing it', async () => {
  const repository = await newRepository({ insecure: false, verity: new FakeVerity() });
  const id = await repository.writeImage(testData(5000));
  expect(repository.readImage(id)).toEqual({ id, bytes: testData(5000) });
});

it('an id that leads to another image is a mismatch', async () => {
  const repository = await newRepository();
  const [id, other] = [await repository.writeImage(testData(5000)), await repository.writeImage(testData(5001))];
  const link = join(repository.path, 'images', id);
  rmSync(link);
  symlinkSync(`../objects/${objectPath(other)}`, link);
  expect(() => repository.openImage(id)).toThrow(`fs-verity content mismatch: wanted sha512:${id}, found sha512:${other}`);
});

it('a damaged image is refused, however it is named', async () => {
  const repository = await newRepository();
  const id = await repository.writeImage(testData(5000), { ref: 'main' });
  writeFileSync(repository.objects.pathOf(id), testData(5000, 1));
  for (const name of [id, 'main']) expect(() => repository.openImage(name)).toThrow(/^fs-verity content mismatch/);
});

it('in a secure repository the kernel vouches for it, and mounts must demand verity', async () => {
  const verity = new FakeVerity();
  const repository = await newRepository({ insecure: false, verity });
  const id = await repository.writeImage(testData(5000), { ref: 'main' });
  expect(repository.openImage('main')).toMatchObject({ id, requireVerity: true });
  verity.enabled.clear();
  expect(() => repository.openImage('main')).toThrow(coded('VERITY_MISSING'));
});

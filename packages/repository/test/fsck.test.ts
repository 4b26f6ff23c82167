import { chmodSync, mkdirSync, renameSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { describe, expect, it, vi } from 'vitest';
import { formatFinding, formatFsckReport, type FsckFinding, type FsckProgress, type Repository } from '../src/index.ts';
import { FakeVerity, newRepository, testData } from './support.ts';

/** A repository with some hundred objects in all directories. */
async function filled(count: number): Promise<Repository> {
  const repository = await newRepository({ algorithm: 'sha256' });
  for (let index = 0; index < count; index++) repository.objects.putSync(new Uint8Array(10 + index).fill(index));
  return repository;
}

describe('objects', () => {
  it('are found wrong by several threads as by one', async () => {
    const repository = await filled(600);
    const ids = await Array.fromAsync(repository.objects.list());
    for (const id of ids.slice(0, 50)) writeFileSync(repository.objects.pathOf(id), 'damaged');
    writeFileSync(join(repository.path, 'objects/00/stray'), 'x');
    const reports = await Promise.all([1, 2, undefined].map((jobs) => repository.fsck({ jobs })));
    expect(reports[0]).toMatchObject({ objectsChecked: 601, objectsCorrupted: 51 });
    expect(reports[0]?.errors.filter(({ type }) => type === 'object-digest-mismatch').length).toBe(50);
    expect(reports[1]).toEqual(reports[0]);
    expect(reports[2]).toEqual(reports[0]);
  });
  it('are counted while they are checked', async () => {
    const repository = await filled(20);
    const seen: FsckProgress[] = [];
    await repository.fsck({ onProgress: (progress) => seen.push(progress) });
    expect(seen.at(-1)).toEqual({ phase: 'objects', done: 20, total: 20 });
    expect(seen.map(({ done }) => done)).toEqual(seen.map(({ done }) => done).toSorted((a, b) => a - b));
  });
  it('are left at the signal', async () => {
    const repository = await filled(20);
    // Threads in native code crash the process when they are terminated: they end by themselves (docs/decisions/ending-threads.md).
    using terminate = vi.spyOn(Worker.prototype, 'terminate');
    for (const jobs of [1, 2]) {
      const controller = new AbortController();
      const onProgress = (): void => controller.abort(new Error('enough'));
      await expect(repository.fsck({ jobs, onProgress, signal: controller.signal })).rejects.toThrow('enough');
    }
    await repository.fsck({ jobs: 3 }); // over before the other threads have come up
    expect(terminate).not.toHaveBeenCalled();
  });
  it('must have verity in a secure repository, and are not read there', async () => {
    const verity = new FakeVerity();
    const repository = await newRepository({ insecure: false, verity });
    const { id } = repository.objects.putSync(testData(10));
    expect((await repository.fsck()).errors).toEqual([]);
    const file = repository.objects.pathOf(id);
    verity.enabled.set(statSync(file).ino, { algorithm: 'sha512', digest: '00'.repeat(64) });
    expect((await repository.fsck()).errors).toMatchObject([{ type: 'object-digest-mismatch', measured: '00'.repeat(64) }]);
    verity.enabled.set(statSync(file).ino, { algorithm: 'sha256', digest: '00'.repeat(32) });
    expect((await repository.fsck()).errors).toMatchObject([{ type: 'object-verity-missing' }]);
    verity.enabled.delete(statSync(file).ino);
    expect((await repository.fsck()).errors).toMatchObject([{ type: 'object-verity-missing' }]);
  });
  it('with verity in an insecure repository are measured', async () => {
    const verity = new FakeVerity();
    const repository = await newRepository({ verity });
    const { id } = repository.objects.putSync(testData(10));
    const measure = vi.spyOn(verity, 'measure');
    expect((await repository.fsck()).errors).toEqual([]);
    measure.mockImplementation(() => {
      throw new Error('EIO');
    });
    expect((await repository.fsck()).errors.filter(({ type }) => type.startsWith('object'))).toEqual([]);
    measure.mockRestore();
    writeFileSync(repository.objects.pathOf(id), 'damaged');
    verity.enabled.clear();
    expect((await repository.fsck()).errors).toMatchObject([{ type: 'object-digest-mismatch' }]);
  });
  it.skipIf(process.getuid?.() === 0)('that cannot be opened are told', async () => {
    const repository = await newRepository();
    const { id } = repository.objects.putSync(testData(10));
    chmodSync(repository.objects.pathOf(id), 0);
    expect((await repository.fsck()).errors).toMatchObject([{ type: 'object-open-failed' }]);
    chmodSync(repository.objects.pathOf(id), 0o644);
  });
});

describe('some objects', () => {
  it('are checked alone, and missed when they are gone', async () => {
    const repository = await filled(5);
    const [first = '', second = '', third = ''] = await Array.fromAsync(repository.objects.list());
    writeFileSync(repository.objects.pathOf(second), 'damaged');
    const gone = '00'.repeat(32);
    expect(await repository.verifyObjects({ ids: [first] })).toEqual({ objectsChecked: 1, objectsCorrupted: 0, errors: [] });
    const report = await repository.verifyObjects({ ids: [third, second, gone] });
    expect(report).toMatchObject({ objectsChecked: 3, objectsCorrupted: 2 });
    expect(report.errors.map(({ type }) => type).toSorted()).toEqual(['object-digest-mismatch', 'object-open-failed']);
    expect(await repository.verifyObjects()).toMatchObject({ objectsChecked: 5, objectsCorrupted: 1 });
    await expect(repository.verifyObjects({ ids: ['../../meta.json'] })).rejects.toThrow(TypeError);
  });
});

describe('meta.json', () => {
  it('is read again', async () => {
    const repository = await newRepository();
    const path = join(repository.path, 'meta.json');
    writeFileSync(path, 'x');
    const broken = await repository.fsck();
    expect(broken).toMatchObject({ hasMetadata: false, errors: [{ type: 'metadata-parse-failed' }] });
    expect(formatFsckReport(broken)).toMatch(/^meta\.json: error\n/);
    renameSync(path, `${path}.old`);
    mkdirSync(join(repository.path, 'objects'));
    expect((await repository.fsck()).errors).toMatchObject([{ type: 'metadata-parse-failed' }]);
    writeFileSync(path, '{"version":1,"algorithm":"fsverity-sha256-12"}');
    const other = await repository.fsck();
    expect(other).toMatchObject({ hasMetadata: true });
    expect(other.errors).toEqual([{ type: 'metadata-algorithm-mismatch', expected: 'fsverity-sha256-12', actual: 'sha512' }]);
    expect(formatFsckReport(other)).toMatch(/^meta\.json: error\n/);
    writeFileSync(path, '{"version":9,"algorithm":"fsverity-sha512-12"}');
    expect((await repository.fsck()).errors).toMatchObject([{ type: 'metadata-algorithm-mismatch' }]);
  });
});

describe('links', () => {
  it('that lead in a ring cannot be followed', async () => {
    const repository = await newRepository();
    await repository.writeStream(repository.createStreamWriter(0n), 'stream', { ref: 'ref' });
    symlinkSync('ring', join(repository.path, 'streams/ring'));
    symlinkSync('ring', join(repository.path, 'streams/refs/ring'));
    const { errors, streamsChecked, streamsCorrupted, brokenLinks } = await repository.fsck();
    expect(errors.map((error) => [error.type, 'path' in error && error.path])).toEqual([
      ['stat-failed', 'streams/ring'],
      ['stat-failed', 'streams/refs/ring'],
    ]);
    expect([streamsChecked, streamsCorrupted, brokenLinks]).toEqual([2, 0, 0]);
  });
});

// Type, the members of the finding, and its text: the table of the repository format.
const findings: readonly (readonly [FsckFinding, string])[] = [
  [{ type: 'object-invalid-name', path: 'p', detail: 'd' }, 'object-invalid-name: p: d'],
  [{ type: 'object-open-failed', path: 'p', detail: 'd' }, 'object-open-failed: p: d'],
  [{ type: 'object-digest-mismatch', path: 'p', measured: 'ab' }, 'object-digest-mismatch: p: measured ab'],
  [{ type: 'object-verity-failed', path: 'p', detail: 'd' }, 'object-verity-failed: p: d'],
  [{ type: 'object-verity-missing', path: 'p' }, 'object-verity-missing: p'],
  [{ type: 'entry-not-symlink', path: 'p' }, 'entry-not-symlink: p'],
  [{ type: 'broken-symlink', path: 'p' }, 'broken-symlink: p'],
  [{ type: 'stat-failed', path: 'p', detail: 'd' }, 'stat-failed: p: d'],
  [{ type: 'unexpected-file-type', path: 'p', detail: 'd' }, 'unexpected-file-type: p: d'],
  [{ type: 'stream-open-failed', path: 'p', detail: 'd' }, 'stream-open-failed: p: d'],
  [{ type: 'missing-object-ref', path: 'p', objectId: 'ab' }, 'missing-object-ref: p: ab'],
  [{ type: 'stream-read-failed', path: 'p', detail: 'd' }, 'stream-read-failed: p: d'],
  [{ type: 'missing-named-ref', path: 'p', refName: 'n', objectId: 'ab' }, 'missing-named-ref: p: ref n: ab'],
  [{ type: 'object-check-failed', path: 'p', objectId: 'ab', detail: 'd' }, 'object-check-failed: p: ab: d'],
  [{ type: 'image-open-failed', path: 'p', detail: 'd' }, 'image-open-failed: p: d'],
  [{ type: 'image-read-failed', path: 'p', detail: 'd' }, 'image-read-failed: p: d'],
  [{ type: 'image-invalid', path: 'p', detail: 'd' }, 'image-invalid: p: d'],
  [{ type: 'image-missing-object', path: 'p', objectId: 'ab' }, 'image-missing-object: p: ab'],
  [{ type: 'metadata-parse-failed', detail: 'd' }, 'metadata-parse-failed: meta.json: d'],
  [
    { type: 'metadata-algorithm-mismatch', expected: 'e', actual: 'a' },
    'metadata-algorithm-mismatch: meta.json: expected e, repository opened as a',
  ],
];

describe('texts', () => {
  it.each(findings)('%j', (finding, text) => {
    expect(formatFinding(finding)).toBe(`fsck: ${text}`);
  });
});

it('has the JSON of the reference', async () => {
  const repository = await newRepository();
  const writer = repository.createStreamWriter(0n);
  writer.objectRef('00'.repeat(64));
  await repository.writeStream(writer, 'x');
  expect(JSON.stringify(await repository.fsck())).toBe(
    '{"hasMetadata":true,"objectsChecked":1,"objectsCorrupted":0,"streamsChecked":1,"streamsCorrupted":0,"imagesChecked":0,' +
      '"imagesCorrupted":0,"brokenLinks":0,"missingObjects":1,' +
      `"errors":[{"type":"missing-object-ref","path":"streams/x","objectId":"${'00'.repeat(64)}"}]}`,
  );
});

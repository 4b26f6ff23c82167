import { chmodSync } from 'node:fs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openRepository, type Repository } from '../src/index.ts';
import { canRun, runChild } from './child.ts';
import { newRepository, testData } from './support.ts';

const isRoot = process.getuid?.() === 0;
const asNobody = ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups'];
const ownMounts = ['unshare', ...(isRoot ? ['-m'] : ['-rm'])];

async function filled(): Promise<Repository> {
  const repository = await newRepository();
  repository.objects.putSync(testData(10));
  const writer = repository.createStreamWriter(0n);
  writer.inline(testData(10));
  await repository.writeStream(writer, 'stream', { ref: 'ref' });
  await repository.close();
  return repository;
}

/** What the child reports: it could read, and every attempt to write was refused with this message. */
function expectRefusals({ status, stdout, stderr }: ReturnType<typeof runChild>, message: string): void {
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  const refusals = Array.from({ length: 6 }, () => ['READ_ONLY', expect.stringContaining(message) as string]);
  expect(JSON.parse(stdout)).toEqual({ errors: [], refs: 1, codes: refusals, removed: 1 });
}

describe('a repository of somebody else', () => {
  it.runIf(!isRoot)('can be read, not written', async () => {
    const { path } = await filled();
    chmodSync(path, 0o500);
    onTestFinished(() => chmodSync(path, 0o700));
    const repository = await openRepository(path);
    expect(() => repository.ensureWritable()).toThrow(`Repository is not writable: permission denied on ${path}`);
    expect((await repository.fsck()).errors).toEqual([]);
    await repository.close();
  });
  it.runIf(isRoot && canRun(asNobody))('can be read, not written, by an ordinary user', async () => {
    const { path } = await filled();
    chmodSync(path, 0o755);
    chmodSync(`${path}/..`, 0o755);
    expectRefusals(runChild(asNobody, 'try-to-write', path), 'Repository is not writable: permission denied');
  });
});

describe('a read-only file system', () => {
  it.runIf(canRun(ownMounts))('can be read, not written, not even by root', async () => {
    const { path } = await filled();
    const script = `mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && exec "$@"`;
    expectRefusals(
      runChild([...ownMounts, 'sh', '-c', script, path], 'try-to-write', path),
      'Repository is not writable: read-only file system',
    );
  });
});

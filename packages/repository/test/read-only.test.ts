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
function refusals(message: string): ReturnType<typeof report> {
  return {
    errors: [],
    refs: 1,
    codes: Array.from({ length: 6 }, () => ['READ_ONLY', expect.stringContaining(message) as string]),
    removed: 1,
  };
}

function report({ status, stdout, stderr }: ReturnType<typeof runChild>): Record<'codes' | 'errors' | 'refs' | 'removed', unknown> {
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as ReturnType<typeof report>;
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
    const found = report(runChild(asNobody, 'try-to-write', path));
    expect(found).toEqual(refusals('Repository is not writable: permission denied'));
  });
});

describe('a read-only file system', () => {
  it.runIf(canRun(ownMounts))('can be read, not written, not even by root', async () => {
    const { path } = await filled();
    const script = `mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && exec "$@"`;
    const found = report(runChild([...ownMounts, 'sh', '-c', script, path], 'try-to-write', path));
    expect(found).toEqual(refusals('Repository is not writable: read-only file system'));
  });
});

import { once } from 'node:events';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openRepository, type WaitNotice } from '../src/index.ts';
import { startChild } from './child.ts';
import { newRepository, temporaryDirectory, testData } from './support.ts';

const timedOut = expect.objectContaining({ name: 'RepositoryError', code: 'LOCK_TIMEOUT' }) as Error;

describe('between processes', () => {
  it('many may have a repository open, and none collects meanwhile', async () => {
    const repository = await newRepository();
    const child = await startChild('hold', repository.path);
    await expect(repository.gc({ lockTimeoutMs: 0 })).rejects.toThrow(timedOut);
    await expect(repository.gc({ dryRun: true, lockTimeoutMs: 0 })).resolves.toMatchObject({ objectsRemoved: 0 });
    const notice = Promise.withResolvers<WaitNotice>();
    const collection = repository.gc({ noticeAfterMs: 1, onWait: notice.resolve });
    expect(await notice.promise).toMatchObject({ mode: 'exclusive' });
    child.stdin.end();
    await once(child, 'exit');
    await expect(collection).resolves.toMatchObject({ objectsRemoved: 0 });
  });
});

describe('between handles of one process', () => {
  it('another handle keeps a collection out', async () => {
    const repository = await newRepository();
    const other = await openRepository(repository.path);
    await expect(repository.gc({ lockTimeoutMs: 1 })).rejects.toThrow(timedOut);
    await other.close();
    await expect(repository.gc({ lockTimeoutMs: 1 })).resolves.toBeDefined();
  });
  it('gives up at the signal, and has the shared lock again', async () => {
    const repository = await newRepository();
    const other = await openRepository(repository.path);
    const controller = new AbortController();
    const onWait = (): void => controller.abort(new Error('enough'));
    await expect(repository.gc({ signal: controller.signal, onWait, noticeAfterMs: 1 })).rejects.toThrow('enough');
    await expect(other.gc({ lockTimeoutMs: 0 })).rejects.toThrow(timedOut);
    await repository.close();
    await expect(other.gc({ lockTimeoutMs: 0 })).resolves.toBeDefined();
    await other.close();
  });
});

describe('inside one handle', () => {
  it('a collection waits for transactions, and they for it', async () => {
    const repository = await newRepository();
    const inside = Promise.withResolvers<void>();
    const stored = repository.objects.putSync(testData(10));
    const transaction = repository.transaction(() => inside.promise);
    await expect(repository.gc({ lockTimeoutMs: 1 })).rejects.toThrow(timedOut);
    expect(repository.objects.hasSync(stored.id)).toBe(true);
    const collection = repository.gc();
    await repository.transaction(async () => repository.sync());
    inside.resolve();
    await transaction;
    expect(await collection).toMatchObject({ objectsRemoved: 1 });
  });
  it('a transaction gives back what its work comes to, and its error', async () => {
    const repository = await newRepository();
    await expect(repository.transaction(() => Promise.resolve(3))).resolves.toBe(3);
    await expect(repository.transaction(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
    await expect(repository.gc({ lockTimeoutMs: 0 })).resolves.toBeDefined();
  });
  it('what was seen before a collection is looked at again', async () => {
    const repository = await newRepository();
    const { id } = repository.objects.putSync(testData(10));
    await repository.gc();
    expect(repository.objects.hasSync(id)).toBe(false);
    expect(repository.objects.putSync(testData(10)).stored).toBe(true);
  });
});

describe('a closed handle', () => {
  it('does nothing any more', async () => {
    const repository = await newRepository();
    await repository.close();
    await repository.close();
    const closed = expect.objectContaining({ code: 'CLOSED' }) as Error;
    expect(() => repository.ensureWritable()).toThrow(closed);
    expect(() => repository.hasStream('x')).toThrow(closed);
    expect(() => repository.listRefs()).toThrow(closed);
    expect(() => repository.images()).toThrow(closed);
    expect(() => repository.openImage('x')).toThrow(closed);
    await expect(repository.openStream('x')).rejects.toThrow(closed);
    await expect(repository.fsck()).rejects.toThrow(closed);
    await expect(repository.gc()).rejects.toThrow(closed);
    await expect(repository.gc({ dryRun: true })).rejects.toThrow(closed);
    await expect(repository.sync()).rejects.toThrow(closed);
    await expect(repository.transaction(() => Promise.resolve())).rejects.toThrow(closed);
  });
  it('has given its lock up', async () => {
    const repository = await newRepository();
    await repository.close();
    const other = await openRepository(repository.path, { lockTimeoutMs: 0 });
    expect(await other.gc({ lockTimeoutMs: 0 })).toMatchObject({ objectsRemoved: 0 });
    await other[Symbol.asyncDispose]();
  });
});

it('there is nothing to lock where there is no directory', async () => {
  await expect(openRepository(join(temporaryDirectory(), 'none'))).rejects.toMatchObject({ code: 'ENOENT' });
});

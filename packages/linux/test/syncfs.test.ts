import { closeSync, fstatSync, openSync } from 'node:fs';
import { describe, expect, it, vi } from 'vitest';
import { load, MEANS, useDirectory } from './means.ts';

describe.each(MEANS)('syncfs by %s', async (means) => {
  const { syncfs, syncfsAsync } = await load(means);
  // A file system in memory: syncing a disk that others write to may take a while.
  const directory = useDirectory('/dev/shm');

  it('takes a path', async () => {
    expect(syncfs(directory())).toBeUndefined();
    await expect(syncfsAsync(directory())).resolves.toBeUndefined();
  });

  it('takes a descriptor and leaves it open', async () => {
    const fd = openSync(directory(), 'r');
    syncfs(fd);
    await syncfsAsync(fd);
    expect(fstatSync(fd).isDirectory()).toBe(true);
    closeSync(fd);
  });

  it('reports a path that is not there', async () => {
    expect(() => syncfs(`${directory()}/none`)).toThrow(expect.objectContaining({ code: 'ENOENT' }));
    await expect(syncfsAsync(`${directory()}/none`)).rejects.toMatchObject({ code: 'ENOENT' });
  });
});

describe('errors', () => {
  it('has the errno', async () => {
    const { syncfs, syncfsAsync } = await load('koffi');
    expect(() => syncfs(123_456)).toThrow(expect.objectContaining({ code: 'EBADF', syscall: 'syncfs' }));
    await expect(syncfsAsync(123_456)).rejects.toMatchObject({ code: 'EBADF', syscall: 'syncfs' });
  });

  it('says when nothing can sync', async () => {
    const { syncfs, syncfsAsync } = await load('fallbacks');
    vi.stubEnv('PATH', '/nonexistent');
    expect(() => syncfs('/dev/shm')).toThrow(expect.objectContaining({ code: 'UNSUPPORTED', syscall: 'syncfs' }));
    await expect(syncfsAsync('/dev/shm')).rejects.toMatchObject({ code: 'UNSUPPORTED', syscall: 'syncfs' });
    vi.unstubAllEnvs();
  });
});

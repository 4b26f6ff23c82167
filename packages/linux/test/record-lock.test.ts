import { closeSync, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { load, useDirectory } from './means.ts';

describe('locks of records', async () => {
  const { recordLock, recordLockAsync, flock } = await load('koffi');
  const directory = useDirectory();
  const opened: number[] = [];
  afterEach(() => opened.splice(0).forEach((fd) => closeSync(fd)));

  function open(): number {
    const fd = openSync(join(directory(), 'lock'), 'a+');
    opened.push(fd);
    return fd;
  }

  it('lets many share, and one exclude all', () => {
    const [a, b, c] = [open(), open(), open()];
    expect(recordLock(a, 'shared')).toBe(true);
    expect(recordLock(b, 'shared')).toBe(true);
    expect(recordLock(c, 'exclusive')).toBe(false);
    expect(recordLock(a, 'unlock')).toBe(true);
    expect(recordLock(b, 'unlock')).toBe(true);
    expect(recordLock(c, 'exclusive')).toBe(true);
    expect(recordLock(a, 'shared')).toBe(false);
  });

  it('knows nothing of the locks of flock', () => {
    const [a, b] = [open(), open()];
    expect(flock(a, 'exclusive', { wait: false })).toBe(true);
    expect(recordLock(b, 'exclusive')).toBe(true);
  });

  it('waits until it is free, until the time is over, or until it is told to stop', async () => {
    const [a, b] = [open(), open()];
    recordLock(a, 'exclusive');
    expect(await recordLockAsync(b, 'shared', { timeoutMs: 5 })).toBe(false);
    const stop = new AbortController();
    const stopped = recordLockAsync(b, 'shared', { signal: stop.signal, onWait: () => stop.abort(new Error('enough')) });
    await expect(stopped).rejects.toThrow('enough');
    expect(await recordLockAsync(b, 'shared', { onWait: () => recordLock(a, 'unlock') })).toBe(true);
  });

  it('fails for a file that is not open for writing', () => {
    const path = join(directory(), 'read only');
    writeFileSync(path, '');
    const fd = openSync(path, 'r');
    opened.push(fd);
    expect(() => recordLock(fd, 'exclusive')).toThrow(expect.objectContaining({ code: 'EBADF', syscall: 'fcntl' }));
  });
});

it('cannot be had without koffi', async () => {
  const { recordLock } = await load('fallbacks');
  expect(() => recordLock(0, 'shared')).toThrow(expect.objectContaining({ code: 'UNSUPPORTED' }));
});

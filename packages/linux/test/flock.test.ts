import { closeSync, openSync } from 'node:fs';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { hasProgram } from '../src/helper.ts';
import { load, MEANS, useDirectory } from './means.ts';

// Without flock(1) there is no fallback to test; flock.interop.test.ts sees to it that CI has it.
const means = MEANS.filter((name) => name === 'koffi' || hasProgram('flock'));

describe.each(means)('flock by %s', async (name) => {
  const { flock, flockAsync } = await load(name);
  const directory = useDirectory();
  const opened: number[] = [];
  afterEach(() => opened.splice(0).forEach((fd) => closeSync(fd)));

  /** Each one is an open file of its own, and so an owner of locks. The directory itself is what repositories lock. */
  function open(): number {
    const fd = openSync(directory(), 'r');
    opened.push(fd);
    return fd;
  }

  const tryOnce = { wait: false };

  it('lets many share, and one exclude all', () => {
    const [a, b, c] = [open(), open(), open()];
    expect(flock(a, 'shared', tryOnce)).toBe(true);
    expect(flock(b, 'shared', tryOnce)).toBe(true);
    expect(flock(c, 'exclusive', tryOnce)).toBe(false);
    expect(flock(a, 'unlock', tryOnce)).toBe(true);
    expect(flock(b, 'unlock', tryOnce)).toBe(true);
    expect(flock(c, 'exclusive', { wait: true })).toBe(true);
    expect(flock(a, 'shared', tryOnce)).toBe(false);
  });

  it('converts a lock that is held', () => {
    const [a, b] = [open(), open()];
    expect(flock(a, 'shared', tryOnce)).toBe(true);
    expect(flock(a, 'exclusive', tryOnce)).toBe(true);
    expect(flock(b, 'shared', tryOnce)).toBe(false);
    expect(flock(a, 'shared', tryOnce)).toBe(true);
    expect(flock(b, 'shared', tryOnce)).toBe(true);
  });

  it('loses the lock that cannot be converted', () => {
    const [a, b, c] = [open(), open(), open()];
    flock(a, 'shared', tryOnce);
    flock(b, 'shared', tryOnce);
    expect(flock(a, 'exclusive', tryOnce)).toBe(false);
    flock(b, 'unlock', tryOnce);
    expect(flock(c, 'exclusive', tryOnce)).toBe(true);
  });

  it('ends with the last descriptor', () => {
    const holder = openSync(directory(), 'r');
    flock(holder, 'exclusive', tryOnce);
    const other = open();
    expect(flock(other, 'exclusive', tryOnce)).toBe(false);
    closeSync(holder);
    expect(flock(other, 'exclusive', tryOnce)).toBe(true);
  });

  it('waits without blocking until the lock is free', async () => {
    const [a, b] = [open(), open()];
    flock(a, 'exclusive', tryOnce);
    const onWait = vi.fn<() => void>(() => void setTimeout(() => flock(a, 'unlock', tryOnce), 5));
    expect(await flockAsync(b, 'exclusive', { onWait })).toBe(true);
    expect(onWait).toHaveBeenCalledOnce();
    expect(flock(a, 'shared', tryOnce)).toBe(false);
  });

  it('does not wait where nothing is in the way', async () => {
    const onWait = vi.fn<() => void>();
    expect(await flockAsync(open(), 'shared', { onWait })).toBe(true);
    expect(onWait).not.toHaveBeenCalled();
  });

  it('gives up when the time is over', async () => {
    const [a, b] = [open(), open()];
    flock(a, 'exclusive', tryOnce);
    const onWait = vi.fn<() => void>();
    expect(await flockAsync(b, 'shared', { timeoutMs: 0, onWait })).toBe(false);
    expect(onWait).not.toHaveBeenCalled();
    expect(await flockAsync(b, 'shared', { timeoutMs: 20 })).toBe(false);
  });

  it('can be called off', async () => {
    const [a, b] = [open(), open()];
    flock(a, 'exclusive', tryOnce);
    const reason = new Error('enough');
    await expect(flockAsync(b, 'shared', { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    const later = new AbortController();
    const waiting = flockAsync(b, 'shared', { signal: later.signal, onWait: () => setTimeout(() => later.abort(reason), 5) });
    await expect(waiting).rejects.toBe(reason);
  });
});

describe('errors', async () => {
  it('has the errno of a descriptor that is not open', async () => {
    const { flock } = await load('koffi');
    expect(() => flock(123_456, 'shared', { wait: false })).toThrow(
      expect.objectContaining({ code: 'EBADF', syscall: 'flock', errno: -9 }),
    );
  });

  it('says when nothing can lock', async () => {
    const { flock } = await load('fallbacks');
    vi.stubEnv('PATH', '/nonexistent');
    expect(() => flock(0, 'shared', { wait: false })).toThrow(expect.objectContaining({ code: 'UNSUPPORTED', syscall: 'flock' }));
    vi.unstubAllEnvs();
  });
});

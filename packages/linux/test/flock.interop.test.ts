import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { hasProgram } from '../src/helper.ts';
import { load, useDirectory } from './means.ts';

const present = hasProgram('flock');

it.runIf(process.env['CI'])('flock(1) is there', () => expect(present).toBe(true));

describe.skipIf(!present)('beside flock(1)', async () => {
  const { flock, flockAsync } = await load('koffi');
  const directory = useDirectory();
  const opened: number[] = [];
  const children: ChildProcess[] = [];
  afterEach(() => {
    opened.splice(0).forEach((fd) => closeSync(fd));
    children.splice(0).forEach((child) => child.kill());
  });

  function open(): number {
    const fd = openSync(directory(), 'r');
    opened.push(fd);
    return fd;
  }

  /** Whether flock(1) gets the lock at once. */
  const theyGet = (flag: string) => spawnSync('flock', [flag, '-n', '-E', '42', directory(), 'true']).status === 0;

  it('is respected', () => {
    const fd = open();
    flock(fd, 'shared', { wait: false });
    expect([theyGet('-s'), theyGet('-x')]).toEqual([true, false]);
    flock(fd, 'exclusive', { wait: false });
    expect([theyGet('-s'), theyGet('-x')]).toEqual([false, false]);
    flock(fd, 'unlock', { wait: false });
    expect([theyGet('-s'), theyGet('-x')]).toEqual([true, true]);
  });

  it('respects it, and gets the lock when it ends', async () => {
    const child = spawn('flock', ['-x', directory(), 'sh', '-c', 'echo locked; read line'], { stdio: ['pipe', 'pipe', 'inherit'] });
    children.push(child);
    await once(child.stdout, 'data');
    const fd = open();
    expect(flock(fd, 'shared', { wait: false })).toBe(false);
    expect(await flockAsync(fd, 'exclusive', { onWait: () => child.stdin.end('\n') })).toBe(true);
  });
});

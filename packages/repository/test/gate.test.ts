import { describe, expect, it } from 'vitest';
import { Gate } from '../src/gate.ts';
import { Patience, type LockOptions } from '../src/patience.ts';

function shared(options: LockOptions = {}): Patience {
  return new Patience('shared', options);
}
function exclusive(options: LockOptions = {}): Patience {
  return new Patience('exclusive', options);
}

/** Whether a promise is still open after everything that can happen by itself has happened. */
async function isPending(promise: Promise<unknown>): Promise<boolean> {
  const pending = Symbol('pending');
  const later = new Promise((resolve) => setTimeout(() => resolve(pending), 5));
  return (await Promise.race([promise, later])) === pending;
}

describe('gate', () => {
  it('lets any number in as shared', async () => {
    const gate = new Gate();
    const leaves = await Promise.all([gate.enter('shared', shared()), gate.enter('shared', shared())]);
    for (const leave of leaves) leave?.();
    expect(leaves.every((leave) => leave !== undefined)).toBe(true);
  });
  it('lets one in as exclusive, when nobody else is inside', async () => {
    const gate = new Gate();
    const leave = await gate.enter('shared', shared());
    const collector = gate.enter('exclusive', exclusive());
    expect(await isPending(collector)).toBe(true);
    leave?.();
    const leaveExclusive = await collector;
    const next = [gate.enter('shared', shared()), gate.enter('exclusive', exclusive())];
    expect(await Promise.all(next.map(isPending))).toEqual([true, true]);
    leaveExclusive?.();
    (await next[0])?.();
    (await next[1])?.();
  });
  it('wakes several, and lets in only those for whom there is room', async () => {
    const gate = new Gate();
    const leave = await gate.enter('exclusive', exclusive());
    let inside = 0;
    const enter = async (): Promise<void> => {
      const leaveAgain = await gate.enter('exclusive', exclusive());
      expect(++inside).toBe(1);
      await new Promise(setImmediate);
      inside--;
      leaveAgain?.();
    };
    const all = Promise.all(Array.from({ length: 5 }, enter));
    leave?.();
    await all;
    expect(inside).toBe(0);
  });
  it('lets those inside enter again while a collector waits', async () => {
    const gate = new Gate();
    const outer = await gate.enter('shared', shared());
    const collector = gate.enter('exclusive', exclusive());
    const inner = await gate.enter('shared', shared());
    inner?.();
    outer?.();
    expect(await collector).toBeTypeOf('function');
  });
  it('gives up when the patience ends, and stays usable', async () => {
    const gate = new Gate();
    const leave = await gate.enter('exclusive', exclusive());
    expect(await gate.enter('shared', shared({ lockTimeoutMs: 1 }))).toBeUndefined();
    expect(await gate.enter('shared', shared({ lockTimeoutMs: 0 }))).toBeUndefined();
    leave?.();
    expect(await gate.enter('shared', shared({ lockTimeoutMs: 0 }))).toBeTypeOf('function');
  });
  it('gives up at the signal', async () => {
    const gate = new Gate();
    await gate.enter('exclusive', exclusive());
    const controller = new AbortController();
    const entering = gate.enter('shared', shared({ signal: controller.signal }));
    controller.abort(new Error('enough'));
    await expect(entering).rejects.toThrow('enough');
    await expect(gate.enter('shared', shared({ signal: controller.signal }))).rejects.toThrow('enough');
  });
  it('tells the caller that it takes long', async () => {
    const gate = new Gate();
    const leave = await gate.enter('exclusive', exclusive());
    const notice = new Promise((resolve) => {
      void gate.enter('shared', shared({ noticeAfterMs: 1, onWait: resolve })).then((leaveShared) => leaveShared?.());
    });
    await expect(notice).resolves.toMatchObject({ mode: 'shared' });
    leave?.();
  });
});

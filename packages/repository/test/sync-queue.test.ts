import { expect, it } from 'vitest';
import { SyncQueue } from '../src/sync-queue.ts';

/** Syncs that end when the test says so. */
function manual(): { sync: () => Promise<void>; started: PromiseWithResolvers<void>[] } {
  const started: PromiseWithResolvers<void>[] = [];
  const sync = (): Promise<void> => {
    const one = Promise.withResolvers<void>();
    started.push(one);
    return one.promise;
  };
  return { sync, started };
}

it('gives everybody who comes during a sync one next sync', async () => {
  const { sync, started } = manual();
  const queue = new SyncQueue(sync);
  const first = queue.request();
  const later = [queue.request(), queue.request(), queue.request()];
  expect(started.length).toBe(1);
  started[0]?.resolve();
  await first;
  await new Promise(setImmediate);
  expect(started.length).toBe(2);
  const last = queue.request();
  started[1]?.resolve();
  await Promise.all(later);
  await new Promise(setImmediate);
  expect(started.length).toBe(3);
  started[2]?.resolve();
  await last;
});

it('starts at once when none is running', async () => {
  const { sync, started } = manual();
  const queue = new SyncQueue(sync);
  for (let count = 1; count <= 3; count++) {
    const request = queue.request();
    expect(started.length).toBe(count);
    started[count - 1]?.resolve();
    await request;
  }
});

it('tells a failure to those whose sync it was', async () => {
  const { sync, started } = manual();
  const queue = new SyncQueue(sync);
  const first = queue.request();
  const second = queue.request();
  started[0]?.reject(new Error('EIO'));
  await expect(first).rejects.toThrow('EIO');
  await new Promise(setImmediate);
  started[1]?.resolve();
  await second;
});

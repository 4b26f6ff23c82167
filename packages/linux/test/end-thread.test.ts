import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { endThread } from '../src/index.ts';

const ENTRY = fileURLToPath(new URL('children/thread.ts', import.meta.url));

function start(): { worker: Worker; code: Promise<number>; received: unknown[] } {
  const worker = new Worker(ENTRY, { execArgv: ['--conditions=source'] });
  const received: unknown[] = [];
  worker.on('message', (message) => received.push(message));
  return { worker, received, code: once(worker, 'exit').then(([code]) => code as number) };
}

/** What Node gives a thread that was ended from outside. */
const TERMINATED = 1;

describe('a thread that is told to end', () => {
  it('finishes the native calls that it is at, and ends by itself', async () => {
    const { worker, code, received } = start();
    worker.postMessage('hash', []);
    worker.postMessage('hash', []);
    await once(worker, 'message');
    await endThread(worker);
    expect(await code).toBe(0);
    expect(received).toEqual(['hashed', 'hashed']);
  });

  it('is not interrupted while it loads what it needs', async () => {
    const { worker, code } = start();
    await endThread(worker);
    expect(await code).toBe(0);
  });

  it('ends when nobody waits for it any more', async () => {
    const { worker, code } = start();
    worker.unref();
    worker.postMessage('hash', []);
    await endThread(worker);
    expect(await code).toBe(0);
  });

  it('is ended by force only when it hangs', async () => {
    const { worker, code } = start();
    await once(worker, 'online');
    worker.postMessage('hang', []);
    await endThread(worker, { patienceMs: 50 });
    expect(await code).toBe(TERMINATED);
  });

  it('may have ended before', async () => {
    const { worker, code } = start();
    await Promise.all([endThread(worker), endThread(worker)]);
    await endThread(worker);
    expect(await code).toBe(0);
  });
});

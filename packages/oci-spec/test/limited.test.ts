import { expect, it } from 'vitest';
import { forEachLimited } from '../src/index.ts';

it('begins in order, a few at a time', async () => {
  const begun: number[] = [];
  let running = 0;
  let most = 0;
  await forEachLimited([1, 2, 3, 4, 5], 2, undefined, async (item) => {
    begun.push(item);
    most = Math.max(most, ++running);
    await Promise.resolve();
    running--;
  });
  expect(begun).toEqual([1, 2, 3, 4, 5]);
  expect(most).toBe(2);
});

it('ends the others at the first failure, waits for them, and throws that failure', async () => {
  const failure = new Error('first');
  const rested: string[] = [];
  const work = forEachLimited(['bad', 'slow', 'never'], 2, undefined, async (item, signal) => {
    if (item === 'bad') throw await Promise.resolve(failure);
    await new Promise((resolve) => signal.addEventListener('abort', resolve));
    rested.push(item);
    throw new Error('second');
  });
  await expect(work).rejects.toBe(failure);
  expect(rested).toEqual(['slow']);
});

it('ends with the signal from outside', async () => {
  const reason = new Error('enough');
  await expect(forEachLimited([1], 1, AbortSignal.abort(reason), () => Promise.resolve())).rejects.toBe(reason);
});

import { expect, it } from 'vitest';
import { Turns } from '../src/turns.ts';

const nothing = (): Promise<void> => Promise.resolve();

it('lets work be done one after the other, failures included', async () => {
  const turns = new Turns();
  const done: string[] = [];
  const work = (name: string) => async () => {
    done.push(`${name} begins`);
    await Promise.resolve();
    done.push(`${name} ends`);
    if (name === 'b') throw new Error('b');
    return name;
  };
  const results = await Promise.allSettled(['a', 'b', 'c'].map((name) => turns.take(undefined, work(name), nothing)));
  expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  expect(done).toEqual(['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends']);
});

it('skips who gives up while waiting, and clears up after who gives up while working', async () => {
  const turns = new Turns();
  const controller = new AbortController();
  const left: string[] = [];
  const { promise: go, resolve } = Promise.withResolvers<void>();
  const first = turns.take(
    controller.signal,
    () => go.then(() => 'first'),
    async (result) => void left.push(await Promise.resolve(result)),
  );
  const second = turns.take(controller.signal, () => Promise.reject(new Error('must not begin')), nothing);
  const third = turns.take(undefined, () => Promise.resolve([...left]), nothing);
  await Promise.resolve();
  controller.abort();
  await expect(first).rejects.toMatchObject({ name: 'AbortError' });
  await expect(second).rejects.toMatchObject({ name: 'AbortError' });
  expect(turns.isIdle).toBe(false);
  resolve();
  expect(await third).toEqual(['first']);
  await Promise.resolve();
  await expect(turns.take(controller.signal, nothing, nothing)).rejects.toMatchObject({ name: 'AbortError' });
});

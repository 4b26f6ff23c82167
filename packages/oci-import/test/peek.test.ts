import { expect, it } from 'vitest';
import { peek } from '../src/peek.ts';
import { collect } from './workspace.ts';

async function* source(state: { closed: boolean }, count: number): AsyncGenerator<Uint8Array> {
  try {
    for (let i = 0; i < count; i++) yield Uint8Array.of(i, i);
  } finally {
    state.closed = true;
  }
}

it('shows the beginning and gives all of it again', async () => {
  const state = { closed: false };
  const { head, size, all } = await peek(source(state, 5), 3);
  expect([...head]).toEqual([0, 0, 1, 1]);
  expect(size).toBeUndefined();
  expect([...(await collect(all))]).toEqual([0, 0, 1, 1, 2, 2, 3, 3, 4, 4]);
  expect(state.closed).toBe(true);
});

it('knows the size of what is short', async () => {
  const { head, size, all } = await peek(source({ closed: false }, 2), 10);
  expect([...head]).toEqual([0, 0, 1, 1]);
  expect(size).toBe(4);
  expect(await collect(all)).toHaveLength(4);
});

it('lets the source go when the reader leaves', async () => {
  const state = { closed: false };
  const { all } = await peek(source(state, 5), 1);
  for await (const chunk of all) {
    expect(chunk).toHaveLength(2);
    break;
  }
  expect(state.closed).toBe(true);
});

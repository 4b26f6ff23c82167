import { describe, expect, it } from 'vitest';
import { heldBack } from '../src/batch.ts';
import { formatJson, jsonPieces } from '../src/json.ts';

async function* failing(count: number): AsyncGenerator<string, void> {
  for (let i = 0; i < count; i++) yield 'four';
  throw new Error('no more');
}

/** What was passed on of so many texts before a failure. */
async function said(count: number): Promise<string> {
  let text = '';
  const pass = async (): Promise<void> => {
    for await (const part of heldBack(failing(count), 10)) text += part;
  };
  await expect(pass()).rejects.toThrow('no more');
  return text;
}

async function* lazy(items: readonly unknown[]): AsyncGenerator<unknown, void> {
  yield* items;
}

async function joined(value: unknown, indent: boolean): Promise<string> {
  return (await Array.fromAsync(jsonPieces(value, { indent }))).join('');
}

const ITEM = { name: 'a\nb', list: [1, { deep: [] }], none: {}, left: undefined, big: 2n ** 53n - 1n };

describe.each([true, false])('in pieces, indented: %s', (indent) => {
  it.each([
    ['a list that comes asynchronously', { a: 1, items: lazy([ITEM, 'x', null]) }, { a: 1, items: [ITEM, 'x', null] }],
    ['an iterator', { items: [1, 2].values() }, { items: [1, 2] }],
    ['an empty list', { items: lazy([]), after: true }, { items: [], after: true }],
    ['lists in an object within', { repo: { errors: lazy([ITEM]), ok: false } }, { repo: { errors: [ITEM], ok: false } }],
    ['a list alone', lazy([ITEM, ITEM]), [ITEM, ITEM]],
    ['an item that JSON has not', lazy([undefined]), [undefined]],
    ['members that are not there', { a: undefined, b: { c: undefined } }, { a: undefined, b: { c: undefined } }],
    ['no list at all', ITEM, ITEM],
    ['a text', 'x', 'x'],
    ['null', null, null],
    ['a date', { at: new Date(0) }, { at: new Date(0) }],
  ])('%s is written as an array would be', async (_, value, same) => {
    expect(await joined(value, indent)).toBe(formatJson(same, { indent }));
  });
});

it('asks for an item when the one before has been written', async () => {
  let asked = 0;
  function* counted(): Generator<number, void> {
    for (;;) yield ++asked;
  }
  const pieces = jsonPieces({ items: counted() }, { indent: false });
  const taken: string[] = [];
  while (!taken.join('').endsWith('[1')) taken.push((await pieces.next()).value as string);
  expect(asked).toBe(1);
});

it('says nothing of a document that fails early, and cuts off one that fails late', async () => {
  expect(await said(2)).toBe('');
  expect(await said(5)).toBe('four'.repeat(5));
});

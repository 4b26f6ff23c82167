import { expect, it } from 'vitest';
import { reconstruct, type TarChunk } from '../src/index.ts';
import { ascii, collect, text } from './support.ts';

const chunks: TarChunk[] = [
  { kind: 'inline', bytes: ascii('head '), last: false },
  { kind: 'inline', bytes: ascii('er '), last: true },
  { kind: 'external', objectId: 'a' },
  { kind: 'inline', bytes: ascii(' tail'), last: true },
];

async function* open(id: string) {
  yield ascii(`<${id}`);
  yield ascii('>');
}

async function* endless() {
  for (;;) yield new Uint8Array(1024 * 1024);
}

it('glues inline bytes and whole objects together', async () => {
  expect(text(await collect(reconstruct(chunks, open)))).toBe('head er <a> tail');
  expect(text(await collect(reconstruct(chunks, open, { size: 16 })))).toBe('head er <a> tail');
  expect(await collect(reconstruct([], open, { size: 0 }))).toHaveLength(0);
});

it.each([
  [15, 'wanted a tar of 15 bytes, found at least 16'],
  [17, 'wanted a tar of 17 bytes, found only 16'],
])('a tar of 16 bytes is not one of %d', async (size, message) => {
  await expect(collect(reconstruct(chunks, open, { size }))).rejects.toMatchObject({ code: 'SIZE_MISMATCH', message });
});

it('stops before more than the size, even if objects go on for ever', async () => {
  let size = 0;
  const read = async () => {
    for await (const bytes of reconstruct(chunks, endless, { size: 4 * 1024 * 1024 })) size += bytes.length;
  };
  await expect(read()).rejects.toMatchObject({ code: 'SIZE_MISMATCH' });
  expect(size).toBeLessThanOrEqual(4 * 1024 * 1024);
});

it('gathers small pieces and passes large ones on', async () => {
  const small: TarChunk[] = Array.from({ length: 2000 }, () => ({ kind: 'inline', bytes: new Uint8Array(512), last: true }));
  const object = new Uint8Array(1024 * 1024);
  const big = async function* () {
    yield object;
  };
  const yielded: Uint8Array[] = [];
  for await (const bytes of reconstruct([...small, { kind: 'external', objectId: 'a' }, ...small], big)) yielded.push(bytes);
  expect(yielded.length).toBeLessThan(15);
  expect(yielded).toContain(object);
  expect(yielded.reduce((sum, { length }) => sum + length, 0)).toBe(4000 * 512 + object.length);
});

it('closes the object it is reading when the consumer stops', async () => {
  let closed = false;
  const source = async function* () {
    try {
      for (;;) yield new Uint8Array(300 * 1024);
    } finally {
      closed = true;
    }
  };
  for await (const bytes of reconstruct([{ kind: 'external', objectId: 'a' }], source)) {
    expect(bytes).toHaveLength(300 * 1024);
    break;
  }
  expect(closed).toBe(true);
});

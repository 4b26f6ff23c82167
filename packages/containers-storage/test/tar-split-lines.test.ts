import { array, assert, asyncProperty, nat, uint8Array } from 'fast-check';
import { expect, it } from 'vitest';
import type { ContainersStorageError } from '../src/index.ts';
import { readSegments, type Segment } from '../src/tar-split-lines.ts';
import { tarSplitLines } from './fake-store.ts';

async function segments(chunks: readonly Uint8Array[]): Promise<readonly Segment[]> {
  const found: Segment[] = [];
  for await (const some of readSegments(fromChunks(chunks), 'x.tar-split.gz')) found.push(...some);
  return found;
}

async function* fromChunks(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  for (const chunk of chunks) yield await Promise.resolve(chunk);
}

const text = (lines: readonly string[]): Buffer => Buffer.from(`${lines.join('\n')}\n`);

it('reads runs of bytes and entries with content, in their order', async () => {
  const lines = text([
    '{"type":2,"payload":"aGVhZA=="}',
    '{"type":1,"name":"d/"}',
    '{"type":1,"name":"ü","size":3}',
    '{"type":2,"payload":null}',
    '{"type":1,"name_raw":"/w==","size":1}',
  ]);
  expect(await segments([lines])).toEqual([
    { kind: 'bytes', bytes: Buffer.from('head') },
    { kind: 'file', name: Buffer.from('ü'), size: 3 },
    { kind: 'file', name: Buffer.from([0xff]), size: 1 },
  ]);
});

it.each([
  '[]',
  'null',
  '1',
  '{"type":3}',
  '{"type":1,"size":-1,"name":"a"}',
  '{"type":1,"size":1.5,"name":"a"}',
  '{"type":1,"size":1}',
  '{"type":2,"payload":7}',
  '{"type":1,',
  '\u0000',
])('refuses %s', async (line) => {
  await expect(segments([text([line])])).rejects.toMatchObject({ code: 'INVALID_TAR_SPLIT', path: 'x.tar-split.gz' });
});

it('does not keep a line that never ends', async () => {
  const endless = Array.from({ length: 18 }, () => Buffer.alloc(1 << 20, 'x'));
  await expect(segments(endless)).rejects.toMatchObject({ code: 'TOO_LARGE' });
});

it('does not mind where its input is cut, and gives values or typed errors for any input', async () => {
  const lines = text(
    tarSplitLines([
      { path: 'a', content: 'x'.repeat(700) },
      { path: 'd', type: 'dir' },
      { path: Buffer.from([0xc3, 0x28]), content: 'y' },
    ]),
  );
  const whole = await segments([lines]);
  await assert(
    asyncProperty(array(nat(lines.length), { maxLength: 8 }), async (cuts) => {
      const places = [0, ...cuts.toSorted((a, b) => a - b), lines.length];
      expect(await segments(places.slice(1).map((end, index) => lines.subarray(places[index], end)))).toEqual(whole);
    }),
  );
  await assert(
    asyncProperty(uint8Array({ maxLength: 200 }), async (bytes) => {
      const outcome = await segments([bytes]).then(
        () => 'segments',
        (error: unknown) => (error as ContainersStorageError).code,
      );
      expect(['segments', 'INVALID_TAR_SPLIT']).toContain(outcome);
    }),
  );
});

import { concatBytes } from '@cfskit/binary';
import type { StreamChunk } from '@cfskit/splitstream';
import { expect, it } from 'vitest';
import { releasingBlocks } from '../src/released-blocks.ts';

const OBJECT = 'ab'.repeat(32);

/** Blocks of 100,000 bytes, each with a number of its own, as two runs with an object between them. */
async function* chunksOf(blocks: readonly Uint8Array[]): AsyncGenerator<StreamChunk, void> {
  for (const block of blocks) {
    yield { kind: 'inline', bytes: block.subarray(0, 70_000), last: true };
    yield { kind: 'external', objectId: OBJECT };
    yield { kind: 'inline', bytes: block.subarray(70_000), last: false };
  }
}

function newBlocks(): readonly Uint8Array[] {
  return [1, 2, 3, 4].map((number) => new Uint8Array(100_000).fill(number));
}

/** Runs, put together, and objects. */
async function read(chunks: AsyncIterable<StreamChunk>): Promise<readonly string[]> {
  const seen: string[] = [];
  const run: Uint8Array[] = [];
  for await (const chunk of chunks) {
    if (chunk.kind === 'external') seen.push(chunk.objectId);
    else {
      run.push(Uint8Array.from(chunk.bytes));
      if (chunk.last) seen.push(Buffer.from(concatBytes(run.splice(0))).toString('latin1'));
    }
  }
  return [...seen, ...run.map((bytes) => Buffer.from(bytes).toString('latin1'))];
}

it('passes on the same runs and objects, in small pieces', async () => {
  const whole = await read(chunksOf(newBlocks()));
  const inPieces = await read(releasingBlocks(chunksOf(newBlocks())));
  expect(inPieces.join('')).toBe(whole.join(''));
  expect(inPieces.filter((text) => text === OBJECT)).toHaveLength(4);
  for await (const chunk of releasingBlocks(chunksOf(newBlocks()))) {
    expect(chunk.kind === 'external' ? 0 : chunk.bytes.length).toBeLessThanOrEqual(32 * 1024);
  }
});

it('releases the memory of a block when the one after the next has come', async () => {
  const blocks = newBlocks();
  const held: number[] = [];
  for await (const chunk of releasingBlocks(chunksOf(blocks))) {
    if (chunk.kind === 'external') held.push(blocks.filter((block) => block.byteLength > 0).length);
  }
  expect(held).toEqual([4, 4, 3, 2]);
});

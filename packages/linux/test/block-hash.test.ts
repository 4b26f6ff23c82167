import { hash } from 'node:crypto';
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { FsVerityHasher, fsVerityDigest, type BlockHash } from '@cfskit/fs-verity';
import { assert, nat, property } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { load } from './means.ts';

describe.each(['sha256', 'sha512'] as const)('native %s', async (algorithm) => {
  const { nativeBlockHash } = await load('koffi');
  const native: BlockHash = nativeBlockHash(algorithm)!;
  const size = algorithm === 'sha256' ? 32 : 64;
  const content = new Uint8Array(100_000).map((_, index) => (index * index) >> 3);

  it('hashes consecutive blocks, wherever they start', () => {
    assert(
      property(nat(4096), nat(22), nat(100), (start, blockCount, outOffset) => {
        const out = new Uint8Array(outOffset + blockCount * size + 5).fill(0xee);
        native.hashBlocks(content, start, blockCount, out, outOffset);
        const expected = Array.from({ length: blockCount }, (_, index) =>
          hash(algorithm, content.subarray(start + index * 4096, start + (index + 1) * 4096), 'buffer'),
        );
        expect(Buffer.from(out)).toEqual(Buffer.concat([Buffer.alloc(outOffset, 0xee), ...expected, Buffer.alloc(5, 0xee)]));
      }),
      { numRuns: 50 },
    );
  });

  it('hashes messages of any length', () => {
    assert(
      property(nat(50_000), nat(50_000), (start, length) => {
        const out = new Uint8Array(size);
        native.hash(content, start, start + length, out, 0);
        const expected = hash(algorithm, content.subarray(start, start + length), 'hex');
        expect(Buffer.from(out).toString('hex')).toBe(expected);
        expect(native.hashHex(content, start, start + length)).toBe(expected);
      }),
      { numRuns: 50 },
    );
  });

  it('takes views, buffers, shared memory and arrays that V8 keeps on its own heap', () => {
    const expected = hash(algorithm, Buffer.from('abc'), 'hex');
    const shared = new Uint8Array(new SharedArrayBuffer(3));
    shared.set(Buffer.from('abc'));
    for (const bytes of [Buffer.from('abc'), new Uint8Array([97, 98, 99]), shared, new Uint8Array(Buffer.from('xabc')).subarray(1)]) {
      expect(native.hashHex(bytes, 0, 3)).toBe(expected);
    }
    expect(native.hashHex(new Uint8Array(0), 0, 0)).toBe(hash(algorithm, Buffer.alloc(0), 'hex'));
  });

  it.each([
    [-1, 1, 0],
    [0, -1, 0],
    [0, 25, 0],
    [100_000 - 4095, 1, 0],
    [0.5, 1, 0],
    [Number.NaN, 1, 0],
    [0, 1, -1],
    [0, 1, 1 + 2 * size],
    [0, 4, 0],
    [2 ** 53, 1, 0],
  ])('touches nothing outside the arrays: blocks from %d, %d of them, to %d', (start, blockCount, outOffset) => {
    expect(() => native.hashBlocks(content, start, blockCount, new Uint8Array(3 * size), outOffset)).toThrow(RangeError);
  });

  it.each([
    [-1, 1],
    [2, 1],
    [0, 100_001],
    [0, Infinity],
  ])('touches nothing outside the arrays: bytes from %d to %d', (start, end) => {
    expect(() => native.hash(content, start, end, new Uint8Array(64), 0)).toThrow(RangeError);
    expect(() => native.hashHex(content, start, end)).toThrow(RangeError);
  });

  it('serves fs-verity', () => {
    const hasher = new FsVerityHasher(algorithm, { blockHash: native });
    hasher.update(content);
    expect(hasher.objectId()).toBe(fsVerityDigest(content, algorithm));
    expect(fsVerityDigest(content, algorithm, { blockHash: native })).toBe(fsVerityDigest(content, algorithm));
  });
});

it('is not there without koffi', async () => {
  const { nativeBlockHash } = await load('fallbacks');
  expect(nativeBlockHash('sha256')).toBeUndefined();
});

it('works in a worker thread', async () => {
  const module = JSON.stringify(new URL('../src/index.ts', import.meta.url).href);
  const program = `import { parentPort } from 'node:worker_threads';
    const { nativeBlockHash } = await import(${module});
    parentPort.postMessage(nativeBlockHash('sha256')?.hashHex(Buffer.from('abc'), 0, 3));`;
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(program)}`));
  const [digest] = (await once(worker, 'message')) as [string];
  await worker.terminate();
  expect(digest).toBe(hash('sha256', 'abc', 'hex'));
});

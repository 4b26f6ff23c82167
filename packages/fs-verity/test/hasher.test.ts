import { createHash } from 'node:crypto';
import { assert, asyncProperty, array, constantFrom, nat, property } from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { defaultBlockHash } from '../src/block-hash.ts';
import { fsVerityDigest, fsVerityDigestOf, FsVerityHasher, type Algorithm, type BlockHash } from '../src/index.ts';

/** Block counts around the ends of levels: 64 digests fit into a block of sha512, 128 into one of sha256. */
const sizes = constantFrom(0, 1, 4095, 4096, 4097, 8192, 64 * 4096 - 1, 64 * 4096, 64 * 4096 + 1, 129 * 4096, 4097 * 4096);
const algorithms = constantFrom<Algorithm>('sha256', 'sha512');

/** The interface in its plainest form. */
function plain(algorithm: Algorithm): BlockHash {
  const digest = (bytes: Uint8Array, start: number, end: number) => createHash(algorithm).update(bytes.subarray(start, end)).digest();
  const size = algorithm === 'sha256' ? 32 : 64;
  return {
    algorithm,
    hashBlocks(bytes, start, blockCount, out, outOffset) {
      for (let index = 0; index < blockCount; index++) {
        out.set(digest(bytes, start + index * 4096, start + (index + 1) * 4096), outOffset + index * size);
      }
    },
    hash: (bytes, start, end, out, outOffset) => out.set(digest(bytes, start, end), outOffset),
    hashHex: (bytes, start, end) => digest(bytes, start, end).toString('hex'),
  };
}

async function* failing(): AsyncGenerator<Uint8Array> {
  yield new Uint8Array(1);
  throw new Error('the disk is gone');
}

describe('FsVerityHasher', () => {
  it('gives the worked examples of the kernel format', () => {
    const hasher = new FsVerityHasher('sha256');
    hasher.update(Buffer.from('hello world'));
    expect(hasher.objectId()).toBe('1e2eaa4202d750a41174ee454970b92c1bc2f925b1e35076d8c7d5f56362ba64');
    expect(Buffer.from(hasher.digest()).toString('hex')).toBe(hasher.objectId());
    expect(new FsVerityHasher('sha512').objectId()).toBe(
      'ccf9e5aea1c2a64efa2f2354a6024b90dffde6bbc017825045dce374474e13d10adb9dadcc6ca8e17a3c075fbd31336e8f266ae6fa93a6c3bed66f9e784e5abf',
    );
  });

  it('does not care how the content is cut', () => {
    const content = Uint8Array.from({ length: 700_000 }, (_, index) => (index * index) >> 5);
    assert(
      property(algorithms, nat(content.length), array(nat(9000), { maxLength: 200 }), (algorithm, size, lengths) => {
        const hasher = new FsVerityHasher(algorithm);
        let at = 0;
        for (const length of [...lengths, size]) {
          const end = Math.min(at + length, size);
          const chunk = content.slice(at, end);
          hasher.update(chunk);
          chunk.fill(0xee); // the buffer is the caller's again
          at = end;
        }
        expect(hasher.objectId()).toBe(fsVerityDigest(content.subarray(0, size), algorithm));
      }),
      { numRuns: 60 },
    );
  });

  it('starts afresh after a reset', () => {
    const used = new FsVerityHasher('sha512');
    assert(
      property(sizes, nat(2 ** 21), (first, second) => {
        used.reset();
        used.update(new Uint8Array(first).fill(1));
        used.reset();
        used.update(new Uint8Array(second).fill(2));
        const fresh = new FsVerityHasher('sha512');
        fresh.update(new Uint8Array(second).fill(2));
        expect(used.objectId()).toBe(fresh.objectId());
      }),
      { numRuns: 15 },
    );
  });

  it('takes nothing more once the digest has been taken', () => {
    const hasher = new FsVerityHasher('sha256');
    hasher.objectId();
    expect(() => hasher.update(new Uint8Array(1))).toThrow(TypeError);
    hasher.reset();
    hasher.update(new Uint8Array(1));
    expect(hasher.digest()).toHaveLength(32);
  });
});

describe('an injected block hash', () => {
  it('gives the same digests', async () => {
    await assert(
      asyncProperty(algorithms, sizes, async (algorithm, size) => {
        const content = new Uint8Array(size).fill(7);
        const blockHash = plain(algorithm);
        const expected = fsVerityDigest(content, algorithm);
        expect(fsVerityDigest(content, algorithm, { blockHash })).toBe(expected);
        expect(await fsVerityDigestOf([content], algorithm, { blockHash })).toBe(expected);
      }),
      { numRuns: 12 },
    );
  });

  it('is handed as many blocks at once as a level has room for, and nothing is copied', () => {
    const blockHash = plain('sha512');
    const hashBlocks = vi.spyOn(blockHash, 'hashBlocks');
    const content = new Uint8Array(100 * 4096 + 10);
    fsVerityDigest(content, 'sha512', { blockHash });
    // 64 and 36 blocks of data, and the two padded ends of data and level 0; the full block of level 0 went up before the 36.
    expect(hashBlocks.mock.calls.filter(([bytes]) => bytes === content).map(([, start, count]) => [start, count])).toEqual([
      [0, 64],
      [64 * 4096, 36],
    ]);
    expect(hashBlocks).toHaveBeenCalledTimes(6);
  });

  it('has to be one of the algorithm', () => {
    const blockHash = plain('sha256');
    expect(() => new FsVerityHasher('sha512', { blockHash })).toThrow(TypeError);
    expect(() => fsVerityDigest(new Uint8Array(1), 'sha512', { blockHash })).toThrow(TypeError);
    expect(fsVerityDigest(new Uint8Array(1), 'sha256', { blockHash })).toHaveLength(64);
  });
});

describe('the default block hash', () => {
  it.each([
    [-1, 1],
    [1, 0],
    [0, 11],
  ])('refuses bytes %i to %i of 10', (start, end) => {
    expect(() => defaultBlockHash('sha256').hashHex(new Uint8Array(10), start, end)).toThrow(RangeError);
  });
});

describe('fsVerityDigestOf', () => {
  it('passes on what the source throws', async () => {
    await expect(fsVerityDigestOf(failing(), 'sha256')).rejects.toThrow('the disk is gone');
  });

  it('can be called off', async () => {
    const reason = new Error('enough');
    const controller = new AbortController();
    async function* source(): AsyncGenerator<Uint8Array> {
      yield new Uint8Array(1);
      controller.abort(reason);
      yield new Uint8Array(1);
    }
    await expect(fsVerityDigestOf(source(), 'sha256', { signal: controller.signal })).rejects.toBe(reason);
    await expect(fsVerityDigestOf([], 'sha256', { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });
});

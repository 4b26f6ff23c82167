import { describe, expect, it } from 'vitest';
import { defaultBlockHash } from '../src/block-hash.ts';
import { MerkleTree } from '../src/merkle-tree.ts';
import { loadVectors, makeContent } from './content.ts';

const { vectors } = loadVectors();

describe('root hashes', () => {
  const trees = { sha256: new MerkleTree(defaultBlockHash('sha256')), sha512: new MerkleTree(defaultBlockHash('sha512')) };

  it.each(vectors.filter(({ size }) => size <= 600_000 && size % 4096 === 0))('$id', (vector) => {
    const content = makeContent(vector);
    for (const algorithm of ['sha256', 'sha512'] as const) {
      const tree = trees[algorithm]; // the same tree for all contents: a reset leaves no trace
      tree.reset();
      tree.add(content, 0, content.byteLength / 4096);
      const out = new Uint8Array(70).fill(0xee);
      tree.finish(out, 3);
      const length = algorithm === 'sha256' ? 32 : 64;
      expect(Buffer.from(out.subarray(3, 3 + length)).toString('hex')).toBe(vector[algorithm].root_hash);
      expect([...out.subarray(0, 3), ...out.subarray(3 + length)].every((byte) => byte === 0xee)).toBe(true);
    }
  });
});

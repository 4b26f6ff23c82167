import { describe, expect, it } from 'vitest';
import { fsVerityDigest, fsVerityDigestOf, FsVerityHasher } from '../src/index.ts';
import { loadVectors, makeContent, type Vector } from './content.ts';

const { vectors } = loadVectors();
const light = vectors.filter(({ heavy }) => heavy !== true);
const heavy = vectors.filter((vector) => vector.heavy === true);

it('has all of them', () => {
  expect([light.length, heavy.length]).toEqual([393, 4]);
});

describe('digests of 393 contents', () => {
  // A test per content would take longer than the hashing: 1.1 GB in all.
  it.each(['ref', 'zero', 'affine31', 'le64', 'ff', 'mod251', 'crosscheck', 'testdata'])('%s', (group) => {
    const members = light.filter(({ id }) => id.split('-')[0] === group);
    expect(members.length).toBeGreaterThan(0);
    for (const vector of members) {
      const content = makeContent(vector);
      expect([vector.id, content.byteLength]).toEqual([vector.id, vector.size]);
      expect([vector.id, fsVerityDigest(content, 'sha256')]).toEqual([vector.id, vector.sha256.digest]);
      expect([vector.id, fsVerityDigest(content, 'sha512')]).toEqual([vector.id, vector.sha512.digest]);
    }
  });

  it('are in groups that are all here', () => {
    expect([...new Set(light.map(({ id }) => id.split('-')[0]))].toSorted()).toEqual([
      'affine31',
      'crosscheck',
      'ff',
      'le64',
      'mod251',
      'ref',
      'testdata',
      'zero',
    ]);
  });
});

it('comes out the same from a stream', async () => {
  const vector = light.find(({ id }) => id === 'le64-524289')!;
  const content = makeContent(vector);
  const chunks = [content.subarray(0, 1), content.subarray(1, 300_000), content.subarray(300_000)];
  expect(await fsVerityDigestOf(chunks, 'sha256')).toBe(vector.sha256.digest);
  expect(await fsVerityDigestOf(chunks, 'sha512')).toBe(vector.sha512.digest);
});

describe.skipIf(process.env['CFSKIT_HEAVY'] !== '1')('gigabytes', () => {
  it.each(heavy)('$id', { timeout: 600_000 }, (vector: Vector) => {
    const zeros = new Uint8Array(1 << 20);
    for (const algorithm of ['sha256', 'sha512'] as const) {
      const hasher = new FsVerityHasher(algorithm);
      for (let left = vector.size; left > 0; left -= zeros.byteLength) hasher.update(zeros.subarray(0, left));
      expect(hasher.objectId()).toBe(vector[algorithm].digest);
    }
  });
});

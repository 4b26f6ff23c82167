import { fromHex } from '@cfskit/binary';
import { describe, expect, it } from 'vitest';
import { checkImage, dumpImage, openImage, readTree, writeImage, type FormatVersion } from '../src/index.ts';
import { dump, expectedImages, failure, index, sha256, text, treeOf, type HostileVector } from './vectors.ts';

describe('dumps of images', () => {
  const redumps = index.vectors.flatMap(({ name, c, redump_sha256 = {} }) =>
    Object.entries(redump_sha256)
      .filter(([key]) => key !== 'rs_canonical')
      .map(([key, sha]) => ({
        name,
        key,
        sha,
        version: key.startsWith('rs') ? (Number(key[4]) as FormatVersion) : (c?.['min0_max1']?.composefs_version ?? 0),
      })),
  );
  const exempt = new Set([
    'external-size-zero rs_V0',
    'external-size-zero rs_V1',
    'external-size-zero rs_V2',
    'external-path-differs c_min0_max1',
  ]);
  const cases = redumps.filter(({ name, key }) => !exempt.has(`${name} ${key}`));

  it('are there', () => expect([redumps.length, cases.length]).toEqual([192, 188]));

  it.each(cases)('$name $key', ({ name, key, sha, version }) => {
    const profile = key.startsWith('c_') ? 'c' : 'rs';
    const image = openImage(writeImage(treeOf(name), { version, profile }));
    expect(sha256(profile === 'c' ? text(dumpImage(image)) : dump(readTree(image)))).toBe(sha);
  });
});

describe('every image that a tool writes', () => {
  it.each(expectedImages)('$label is sound', ({ vector, profile, version }) => {
    const image = openImage(writeImage(treeOf(vector.name), { version, profile }));
    checkImage(image, { profile });
    expect(image.version).toBe(version);
  });
});

describe('hostile images', () => {
  it('are there', () => expect(index.hostile.length).toBe(122));

  it.each(byVerdict('accept'))('$name: $port', (vector) => {
    const image = openImage(spoil(vector));
    expect(() => checkImage(image)).not.toThrow();
    expect(readTree(image).size).toBeGreaterThan(0);
  });

  it.each(byVerdict('reject'))('$name: $port', (vector) => {
    expect(failure(() => checkImage(openImage(spoil(vector)))).offset).toBeTypeOf('number');
  });

  it.each(byVerdict('reject').filter(({ port }) => port === 'reject'))('$name: is not read', (vector) => {
    expect(failure(() => readTree(openImage(spoil(vector)))).offset).toBeTypeOf('number');
  });
});

function byVerdict(start: string): readonly HostileVector[] {
  return index.hostile.filter(({ port }) => port.startsWith(start));
}

function spoil({ base, base_format, base_sha256, patches = [], truncate_to }: HostileVector): Uint8Array {
  const image = writeImage(treeOf(base), { version: base_format === 'V2' ? 2 : (Number(base_format.at(-1)) as FormatVersion) });
  if (sha256(image) !== base_sha256) throw new Error(`the image of ${base} is not the one that was spoilt`);
  for (const { offset, hex } of patches) image.set(fromHex(hex), offset);
  return image.subarray(0, truncate_to);
}

import { fromLatin1 } from '@cfskit/binary';
import { parseDumpfile } from '@cfskit/fs-tree';
import type { Algorithm } from '@cfskit/fs-verity';
import { describe, expect, it } from 'vitest';
import { chooseVersion, imageId, writeImage, type FormatVersion } from '../src/index.ts';
import { dumpOf, expectedImages, index, sha256, treeVectors, type TreeVector } from './vectors.ts';

describe('images of dumps', () => {
  it('are there', () => expect(expectedImages.length).toBe(292));

  it.each(expectedImages)('$label', ({ vector, profile, version, image }) => {
    const written = writeImage(parseDumpfile(dumpOf(vector)), { version, profile });
    expect(written.length).toBe(image.size);
    expect(sha256(written)).toBe(image.sha256);
    expect(imageId(written, 'sha256')).toBe(image.fsverity_sha256);
    expect(imageId(written, 'sha512')).toBe(image.fsverity_sha512);
  });
});

describe('images of trees from layers', () => {
  const images = treeVectors.flatMap((vector) => ociImages(vector).concat(bootImages(vector)));
  const [refused, written] = [images.filter(({ ids }) => 'error' in ids), images.filter(({ ids }) => !('error' in ids))];

  it('are there', () => expect([refused.length, written.length]).toEqual([3, 285]));

  it.each(written)('$label', ({ text, version, ids }) => {
    const image = writeImage(parseDumpfile(fromLatin1(text)), { version });
    for (const [algorithm, id] of Object.entries(ids)) expect(imageId(image, algorithm as Algorithm)).toBe(id);
  });

  it.each(refused)('$label is refused', ({ text }) => expect(() => parseDumpfile(fromLatin1(text))).toThrow('whiteout'));
});

interface TreeImage {
  readonly label: string;
  readonly text: string;
  readonly version: FormatVersion;
  readonly ids: Readonly<Record<string, string>>;
}

function ociImages({ name, oci, oci_image_ids = {} }: TreeVector): TreeImage[] {
  return Object.entries(oci_image_ids).map(([format, ids]) => treeImage(`${name} oci`, oci, format, ids));
}

function bootImages({ name, boot, boot_image_ids_sha256 = {} }: TreeVector): TreeImage[] {
  return Object.entries(boot_image_ids_sha256).map(([format, id]) => treeImage(`${name} boot`, boot, format, { sha256: id }));
}

function treeImage(label: string, text: unknown, format: string, ids: Readonly<Record<string, string>>): TreeImage {
  return { label: `${label} ${format}`, text: text as string, version: Number(format.slice(1)) as FormatVersion, ids };
}

describe('what the test suites of the tools expect', () => {
  const fromRust = index.composefs_rs_expected.filter(({ dump }) => dump !== undefined);

  it.each(fromRust)('composefs-rs $name', ({ dump, format, digest_algorithm, expected, image_sha256 }) => {
    const image = writeImage(parseDumpfile(Buffer.from(dump!)), { version: Number(format.slice(1)) as FormatVersion });
    expect(sha256(image)).toBe(image_sha256);
    expect(imageId(image, digest_algorithm.includes('sha512') ? 'sha512' : 'sha256')).toBe(expected);
  });

  // The last one has a device number on its root, which the dump reader refuses.
  const fromC = index.composefs_c_test_assets.assets.filter(({ name, input }) => input !== undefined && name !== 'no-newline.dump');

  it.each(fromC)('composefs $name', ({ input, arguments: options = '', expected_image_sha256 }) => {
    const root = parseDumpfile(Buffer.from(input!));
    const [, min] = /--min-version=(\d)/.exec(options) ?? [];
    const [, max] = /--max-version=(\d)/.exec(options) ?? [];
    const version = chooseVersion(root, { min: toNumber(min), max: toNumber(max) });
    expect(sha256(writeImage(root, { version, profile: 'c' }))).toBe(expected_image_sha256);
  });
});

function toNumber(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Number(text);
}

import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { caseTar, type CaseEntry } from '@cfskit/flatten-suite';
import { fsVerityDigest, objectPath, type Algorithm } from '@cfskit/fs-verity';
import { openImage, readTree, type FormatVersion } from '@cfskit/erofs';
import { LocalObjectStore } from '@cfskit/repository';
import { describe, expect, it } from 'vitest';
import { composefsTree, convertDumpfile, convertErofs, type RenderImage } from '../src/index.ts';
import { codesOf, failureOf, imageOf, withPath } from './support/images.ts';
import { layer } from './support/layer-builder.ts';

interface Vector {
  readonly name: string;
  readonly layers: readonly (readonly CaseEntry[])[];
  readonly oci: string;
  readonly oci_keep_user_xattrs?: string;
  readonly ids: Readonly<Record<string, Readonly<Partial<Record<Algorithm, string>>>>>;
}

const vectors = JSON.parse(readFileSync(new URL('vectors/composefs.json', import.meta.url), 'utf8')) as readonly Vector[];

function imageOfVector({ layers }: Vector): RenderImage {
  return imageOf(...layers.map(caseTar));
}

describe.each(vectors)('$name', (vector) => {
  it('has the dump and the ids of composefs-rs', async () => {
    await withPath(async (to) => {
      const image = imageOfVector(vector);
      await convertDumpfile(image, to);
      expect(await readFile(to, 'latin1')).toBe(vector.oci);
      await convertDumpfile(image, to, { xattrs: 'keep-user-xattrs' });
      expect(await readFile(to, 'latin1')).toBe(vector.oci_keep_user_xattrs ?? vector.oci);
      for (const [version, ids] of Object.entries(vector.ids)) {
        const options = { version: Number(version.slice(1)) as FormatVersion, algorithm: 'sha256' } as const;
        expect((await convertErofs(image, to, options)).imageId).toBe(ids.sha256);
      }
    });
  });
});

describe('contents', () => {
  const large = new Uint8Array(100_000).map((_, i) => i);
  const image = imageOf(
    layer().dir('usr').file('usr/large', large).file('usr/empty').file('usr/small', 'x'.repeat(64)),
    layer().file('usr/other', 'y'.repeat(65)),
  );

  it('are named by their digests, sha512 unless told', async () => {
    await withPath(async (to) => {
      const { imageId, bytes, digest } = await convertErofs(image, to);
      const written = await readFile(to);
      expect([imageId, bytes, digest.slice(0, 7)]).toEqual([fsVerityDigest(written, 'sha512'), written.length, 'sha256:']);
      expect(readTree(openImage(written)).get('usr')?.kind).toBe('directory');
    });
  });

  it.each(['sha256', 'sha512'] as const)('go into a store of their own: %s', async (algorithm) => {
    await withPath(async (to, directory) => {
      const path = join(directory, 'objects');
      const store = new LocalObjectStore({ path, directory: path, algorithm, secure: false });
      await convertErofs(image, to, { algorithm, store });
      expect(await readFile(join(path, objectPath(fsVerityDigest(large, algorithm))))).toEqual(Buffer.from(large));
      expect(store.hasSync(fsVerityDigest(Buffer.from('y'.repeat(65)), algorithm))).toBe(true);
      expect(store.hasSync(fsVerityDigest(Buffer.from('x'.repeat(64)), algorithm))).toBe(false);
    });
  });

  it('are hashed to the same ids without one', async () => {
    const withStore = await composefsTree(image, { algorithm: 'sha256' });
    expect(withStore.get('usr')?.kind).toBe('directory');
  });
});

describe('what composefs-rs refuses is refused', () => {
  it.each([
    ['a missing parent', layer().file('usr/lib/x'), ['LAYER_FAILED', 'NOT_FOUND']],
    ['no /usr', layer().dir('etc'), ['NOT_FOUND']],
    [
      'a sparse file',
      layer()
        .dir('usr')
        .add({ path: 'f', pax: { 'GNU.sparse.map': '0,0', 'GNU.sparse.size': '9' } }),
      ['LAYER_FAILED', 'SPARSE'],
    ],
  ])('%s', async (_, one, codes) => {
    await withPath(async (to) => {
      expect(codesOf(await failureOf(convertErofs(imageOf(one), to)))).toEqual(codes);
      expect(await failureOf(readFile(to))).toMatchObject({ code: 'ENOENT' });
    });
  });

  it('a wrong digest, and nothing is left', async () => {
    await withPath(async (to) => {
      const image = imageOf(layer().dir('usr'));
      const wrong = { ...image, layers: image.layers.map((one) => Object.assign(one, { diffId: `sha256:${'0'.repeat(64)}` })) };
      expect(codesOf(await failureOf(convertDumpfile(wrong, to)))).toEqual(['LAYER_FAILED', 'DIFF_ID_MISMATCH']);
    });
  });
});

import { image, sha256, tarLayer, toBlob } from '@cfskit/fixtures';
import { initRepository } from '@cfskit/repository';
import type { ErofsFormat, ErofsFormats, Repository } from '@cfskit/repository';
import { join } from 'node:path';
import { inflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { collectGarbage, createImages, openImage, untagImage } from '../src/index.ts';
import { dumpOf, pullImage } from './pull-image.ts';
import { pull, readVectors, withWorkspace } from './workspace.ts';

interface AfterErofs {
  readonly repository: 'V1 only (default)' | 'V2 only' | 'V1 with V2 extra';
  readonly image_refs: readonly (readonly [string, string])[];
  readonly config_stream: string;
  readonly manifest_stream: string;
}

interface Vectors {
  readonly images: readonly {
    readonly id: string;
    readonly files_base64: Readonly<Record<string, string>>;
    readonly expected_before_erofs: { readonly sha512: { readonly after_erofs?: readonly AfterErofs[] } };
  }[];
}

interface BaseImage {
  readonly layers: readonly { readonly tar_zlib_base64: string; readonly diff_id: string; readonly stream_sha256: string }[];
  readonly config_json_base64: string;
  readonly expected_dump: readonly string[];
  readonly gc: Readonly<Record<string, { objects_removed: number; streams_pruned: number; images_pruned: number }>>;
}

const vectors = await readVectors<Vectors>('oci-import.json');
const base = await readVectors<BaseImage>('base-image.json');

const FORMATS: Readonly<Record<AfterErofs['repository'], ErofsFormats>> = {
  'V1 only (default)': { default: 1, extra: [] },
  'V2 only': { default: 2, extra: [] },
  'V1 with V2 extra': { default: 1, extra: [2] },
};

const linked = vectors.images.flatMap(({ id, files_base64: files, expected_before_erofs: { sha512 } }) =>
  (sha512.after_erofs ?? []).map((after) => ({ id, files, after, formats: FORMATS[after.repository] })),
);

async function expectLinked(repository: Repository, after: AfterErofs): Promise<void> {
  const demo = await openImage(repository, 'demo');
  expect(demo).toMatchObject({ configVerity: after.config_stream, manifestVerity: after.manifest_stream });
  expect([...demo.configRefs].filter(([name]) => name.startsWith('composefs.'))).toEqual(after.image_refs);
  expect(repository.images().map(({ id }) => id)).toEqual(after.image_refs.map(([, id]) => id).toSorted());
  expect((await repository.fsck()).errors).toEqual([]);
}

describe('an image with its EROFS images linked', () => {
  it('is in the vectors', () => expect(linked).toHaveLength(4));

  it.each(linked)('$id, $after.repository', ({ files, after, formats }) =>
    withWorkspace(async ({ directory, vectorLayout }) => {
      const source = await vectorLayout(files);
      const repository = await initRepository(join(directory, 'other'), { algorithm: 'sha512', insecure: true, erofsFormats: formats });
      const primary = after.image_refs.find(([name]) => name === (formats.default === 2 ? 'composefs.image' : 'composefs.image.v1'))![1];
      const result = await pullImage(repository, source, { name: 'demo' });
      expect(result).toMatchObject({ configVerity: after.config_stream, manifestVerity: after.manifest_stream, imageId: primary });
      await expectLinked(repository, after);
      expect(await pullImage(repository, source, { name: 'demo' })).toEqual({ ...result, bytesFetched: 0, stats: expect.anything() });
      await repository.close();
    }),
  );

  it.each(linked)('$id, $after.repository, linked afterwards', ({ files, after, formats }) =>
    withWorkspace(async ({ repository, vectorLayout }) => {
      await pull(repository, await vectorLayout(files), { name: 'demo' });
      const list: ErofsFormat[] = [formats.default, ...formats.extra];
      const created = await createImages(repository, 'demo', { formats: list });
      expect(created).toMatchObject({ configVerity: after.config_stream, manifestVerity: after.manifest_stream });
      expect(created.images.map(({ format }) => format)).toEqual(list);
      await expectLinked(repository, after);
    }, 'sha512'),
  );
});

describe('the base image of the reference', () => {
  const layers = base.layers.map((layer) => tarLayer(inflateSync(Buffer.from(layer.tar_zlib_base64, 'base64')), 'none'));
  const config = toBlob(Uint8Array.from(Buffer.from(base.config_json_base64, 'base64')), 'application/vnd.oci.image.config.v1+json');
  const packaged = image({ layers, config });

  it('has the layers, the file system and the collections of the reference', () =>
    withWorkspace(async ({ repository, layout }) => {
      expect(layers.map((layer) => layer.diffId)).toEqual(base.layers.map((layer) => layer.diff_id));
      expect(sha256(packaged.bytes)).toBe(packaged.descriptor.digest);
      await pull(repository, await layout([{ image: packaged }]), { name: 'base' });
      for (const layer of base.layers) expect(repository.hasStream(`oci-layer-${layer.diff_id}`)).toBe(layer.stream_sha256);
      expect(await dumpOf(repository, 'base')).toEqual(base.expected_dump);

      const collected = async (): Promise<unknown> => {
        const { objectsRemoved, streamsPruned, imagesPruned } = await collectGarbage(repository);
        return { objects_removed: objectsRemoved, streams_pruned: streamsPruned, images_pruned: imagesPruned };
      };
      expect(await collected()).toEqual(base.gc['after_import_tagged']);
      await createImages(repository, 'base');
      expect(await collected()).toEqual(base.gc['after_erofs']);
      expect((await repository.fsck()).errors).toEqual([]);
      await untagImage(repository, 'base');
      expect(await collected()).toEqual(base.gc['after_untag']);
      expect([repository.streams(), repository.images()]).toEqual([[], []]);
    }));

  it('leaves no garbage when the image is built at once', () =>
    withWorkspace(async ({ repository, layout }) => {
      await pullImage(repository, await layout([{ image: packaged }]), { name: 'base' });
      expect(await collectGarbage(repository)).toMatchObject({ objectsRemoved: 0, streamsPruned: 0, imagesPruned: 0 });
      await untagImage(repository, 'base');
      expect(await collectGarbage(repository)).toMatchObject({ objectsRemoved: 14, streamsPruned: 7, imagesPruned: 1 });
    }));
});

import { artifact } from '@cfskit/fixtures';
import type { ObjectId } from '@cfskit/fs-verity';
import type { Repository } from '@cfskit/repository';
import { describe, expect, it } from 'vitest';
import { collectGarbage, openImage, tagImage, upgradeImages } from '../src/index.ts';
import type { StoredImage } from '../src/index.ts';
import { container, dumpOf, pullImage, rewrite } from './pull-image.ts';
import { pull, withWorkspace } from './workspace.ts';

const images = [container(), container([{ path: 'etc/', type: 'dir' }])] as const;
const platform = { architecture: 'amd64', os: 'linux' };

/** A stream again with the header that composefs-rs wrote before 0.4, as an object. */
function oldHeader(repository: Repository, id: ObjectId): ObjectId {
  const bytes = repository.objects.readSync(id, { limit: 1e6 });
  const header = bytes.slice(0, 32);
  // magic 0-10, version 11, flags 12-13, algorithm 14, block size 15, info 16-31 were: info, flags, magic, version, algorithm, block size
  const parts = [header.slice(16), header.slice(12, 14), header.slice(0, 12), header.slice(14, 16)];
  return repository.objects.putSync(Uint8Array.from(Buffer.concat([...parts, bytes.subarray(32)]))).id;
}

/** Every stream of an image in that form, referring to each other. */
async function ageImage(
  repository: Repository,
  { configDigest, manifestDigest, layers }: StoredImage,
): Promise<ReadonlyMap<string, ObjectId>> {
  const aged = new Map<string, ObjectId>();
  const name = async (contentId: string, id: ObjectId): Promise<ObjectId> => {
    const old = oldHeader(repository, id);
    await repository.registerStream(contentId, old);
    aged.set(contentId, old);
    return old;
  };
  const refs: [string, ObjectId][] = [];
  for (const { id, verity } of layers) refs.push([id, await name(`oci-layer-${id}`, verity!)]);
  const config = await name(`oci-config-${configDigest}`, await rewrite(repository, 'config', configDigest, refs));
  const manifest = await rewrite(repository, 'manifest', manifestDigest, [[`config:${configDigest}`, config], ...refs]);
  await name(`oci-manifest-${manifestDigest}`, manifest);
  return aged;
}

describe('upgradeImages', () => {
  it('upgrades a repository whose streams are of the older form; its layers stay as they are', () =>
    withWorkspace(async ({ repository, layout }) => {
      await pull(repository, await layout([{ image: images[0] }]), { name: 'old' });
      const dump = await dumpOf(repository, 'old');
      const aged = await ageImage(repository, await openImage(repository, 'old'));
      const generation = async (contentId: string): Promise<string> => (await repository.openStream(contentId)).generation;
      for (const contentId of aged.keys()) expect(await generation(contentId)).toBe('old-header');
      await collectGarbage(repository);
      expect(await upgradeImages(repository)).toMatchObject({ upgraded: 1 });
      expect(await dumpOf(repository, 'old')).toEqual(dump);
      for (const [contentId, id] of aged) {
        const isLayer = contentId.startsWith('oci-layer-');
        expect(await generation(contentId)).toBe(isLayer ? 'old-header' : 'current');
        expect(repository.hasStream(contentId) === id).toBe(isLayer);
      }
      expect(await collectGarbage(repository)).toMatchObject({ objectsRemoved: 2 });
      expect((await repository.fsck()).errors).toEqual([]);
    }));

  it('gives every tagged image its EROFS image, once', () =>
    withWorkspace(async ({ repository, layout }) => {
      const source = await layout([
        { image: images[0], tag: 'one', platform },
        { image: images[1], tag: 'two', platform },
        { image: artifact({ artifactType: 'application/x-note' }), tag: 'note' },
      ]);
      for (const tag of ['one', 'two', 'note']) await pull(repository, source, { tag, name: tag });
      const seen: string[] = [];
      const onImage = (tag: string): void => void seen.push(tag);
      expect(await upgradeImages(repository, { onImage })).toEqual({ alreadyCurrent: 0, upgraded: 2, skippedNonContainer: 1 });
      expect(seen).toEqual(['one', 'two']);
      expect(await upgradeImages(repository, { onImage })).toEqual({ alreadyCurrent: 2, upgraded: 0, skippedNonContainer: 1 });
      expect(await collectGarbage(repository)).toMatchObject({ objectsRemoved: 4, imagesPruned: 0 });
      expect(repository.images()).toHaveLength(2);
      for (const tag of ['one', 'two']) {
        const upgraded = await openImage(repository, tag);
        expect(await pullImage(repository, source, { tag, name: tag })).toMatchObject({
          manifestVerity: upgraded.manifestVerity,
          configVerity: upgraded.configVerity,
        });
      }
      expect((await repository.fsck()).errors).toEqual([]);
    }));

  it('takes two tags of one image for two', () =>
    withWorkspace(async ({ repository, layout }) => {
      await pull(repository, await layout([{ image: images[0] }]), { name: 'one' });
      await tagImage(repository, images[0].descriptor.digest, 'again');
      expect(await upgradeImages(repository)).toEqual({ alreadyCurrent: 1, upgraded: 1, skippedNonContainer: 0 });
    }));

  it('makes the format that is asked for, and builds where only another is linked', () =>
    withWorkspace(async ({ repository, layout }) => {
      await pullImage(repository, await layout([{ image: images[0] }]), { name: 'one' });
      expect(await upgradeImages(repository)).toMatchObject({ alreadyCurrent: 1 });
      expect(await upgradeImages(repository, { formats: [2, 1] })).toMatchObject({ upgraded: 1 });
      const { configRefs } = await openImage(repository, 'one');
      expect([...configRefs.keys()].filter((name) => name.startsWith('composefs.'))).toEqual(['composefs.image', 'composefs.image.v1']);
    }));

  it('stops between two images when told', () =>
    withWorkspace(async ({ repository, layout }) => {
      const source = await layout([
        { image: images[0], tag: 'one', platform },
        { image: images[1], tag: 'two', platform },
      ]);
      for (const tag of ['one', 'two']) await pull(repository, source, { tag, name: tag });
      const abort = new AbortController();
      const upgrading = upgradeImages(repository, {
        signal: abort.signal,
        onImage: (tag) => tag === 'two' && abort.abort(new Error('enough')),
      });
      await expect(upgrading).rejects.toThrow('enough');
      expect(await upgradeImages(repository)).toEqual({ alreadyCurrent: 1, upgraded: 1, skippedNonContainer: 0 });
    }));
});

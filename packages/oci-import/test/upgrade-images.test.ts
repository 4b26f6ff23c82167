import { artifact } from '@cfskit/fixtures';
import { describe, expect, it } from 'vitest';
import { collectGarbage, openImage, tagImage, upgradeImages } from '../src/index.ts';
import { container, pullImage } from './pull-image.ts';
import { pull, withWorkspace } from './workspace.ts';

const images = [container(), container([{ path: 'etc/', type: 'dir' }])] as const;
const platform = { architecture: 'amd64', os: 'linux' };

describe('upgradeImages', () => {
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

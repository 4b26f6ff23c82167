import { image, imageConfig, tar, tarLayer } from '@cfskit/fixtures';
import type { Packaged } from '@cfskit/fixtures';
import { describe, expect, it } from 'vitest';
import { findMountableImage, sealImage } from '../src/index.ts';
import { container, pullImage } from './pull-image.ts';
import { pull, withWorkspace } from './workspace.ts';

const packaged = container();
const layer = tarLayer(tar([{ path: 'usr/', type: 'dir' }]));

function labelled(value: string): Packaged {
  const extra = { config: { Labels: { 'containers.composefs.fsverity': value } } };
  return image({ layers: [layer], config: imageConfig({ diffIds: [layer.diffId], extra }) });
}

describe('findMountableImage', () => {
  it('gives the image in the format of the repository, or in one that is asked for, and no other', () =>
    withWorkspace(async ({ repository, layout }) => {
      const source = await layout([{ image: packaged }]);
      const { imageId, manifestDigest } = await pullImage(repository, source, { name: 'demo' });
      expect(await findMountableImage(repository, 'demo')).toEqual({ manifestDigest, imageId });
      expect(await findMountableImage(repository, `@${manifestDigest}`, { format: 0 })).toEqual({ manifestDigest, imageId });
      await expect(findMountableImage(repository, 'demo', { format: 2 })).rejects.toMatchObject({
        code: 'NO_IMAGE',
        message: expect.stringContaining('No composefs EROFS image linked — try re-pulling the image'),
      });
    }));

  it('refuses an image without', () =>
    withWorkspace(async ({ repository, layout }) => {
      await pull(repository, await layout([{ image: packaged }]), { name: 'demo' });
      await expect(findMountableImage(repository, 'demo')).rejects.toMatchObject({ code: 'NO_IMAGE' });
      await expect(findMountableImage(repository, 'other')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    }));

  it('insists on the label when told', () =>
    withWorkspace(async ({ repository, layout }) => {
      const { imageId } = await pullImage(repository, await layout([{ image: packaged }]), { name: 'demo' });
      await expect(findMountableImage(repository, 'demo', { sealed: true })).rejects.toMatchObject({
        code: 'NOT_SEALED',
        message: expect.stringMatching(/^Can only mount sealed containers/),
      });
      const sealed = await sealImage(repository, 'demo', { mode: 'label', tag: 'sealed' });
      expect(await findMountableImage(repository, 'sealed', { sealed: true })).toEqual({ manifestDigest: sealed.manifestDigest, imageId });
    }));

  it('follows the label to a linked image of another format', () =>
    withWorkspace(async ({ repository, layout }) => {
      await pullImage(repository, await layout([{ image: packaged }]), { name: 'demo' });
      const { imageId } = await sealImage(repository, 'demo', { mode: 'label', tag: 'sealed', formats: [2] });
      expect(await findMountableImage(repository, 'sealed', { sealed: true })).toMatchObject({ imageId });
      expect((await findMountableImage(repository, 'sealed')).imageId).not.toBe(imageId);
    }));

  it('refuses an image whose label names another', () =>
    withWorkspace(async ({ repository, layout }) => {
      const { imageId } = await pullImage(repository, await layout([{ image: labelled('0'.repeat(64)) }]), { name: 'demo' });
      await expect(findMountableImage(repository, 'demo', { sealed: true })).rejects.toMatchObject({
        code: 'NOT_SEALED',
        context: { expected: '0'.repeat(64), actual: imageId },
      });
    }));
});

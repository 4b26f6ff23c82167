import { openOciDir } from '@cfskit/ocidir';
import type { ImageSource } from '@cfskit/oci-spec';
import { formatMetadata, initRepository, openRepository } from '@cfskit/repository';
import type { Repository } from '@cfskit/repository';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { collectGarbage, createImages, importImage, importLayer, sealImage, tagImage, untagImage, upgradeImages } from '../src/index.ts';
import { withWorkspace } from './workspace.ts';

const untouched: ImageSource = {
  describe: () => 'nothing',
  resolve: () => Promise.reject(new Error('the source was asked')),
  open: () => {
    throw new Error('the source was asked');
  },
};

async function closed(repository: Repository): Promise<Repository> {
  await repository.close();
  return repository;
}

it('a repository that cannot be written says so before the source is touched', () =>
  withWorkspace(async ({ directory }) => {
    const path = join(directory, 'read-only');
    const { metadata } = await initRepository(path, { insecure: true }).then(closed);
    const features = { ...metadata.features, readOnlyCompatible: ['from_the_future'] };
    await writeFile(join(path, 'meta.json'), formatMetadata({ ...metadata, features }));
    const readOnly = await openRepository(path);
    const digest = `sha256:${'0'.repeat(64)}`;
    const attempts = [
      () => importImage(readOnly, untouched),
      () => importLayer(readOnly, digest, untouched.open({ mediaType: '', digest, size: 0 })),
      () => tagImage(readOnly, digest, 'x'),
      () => untagImage(readOnly, 'x'),
      () => collectGarbage(readOnly),
      () => createImages(readOnly, 'x'),
      () => upgradeImages(readOnly),
      () => sealImage(readOnly, 'x'),
    ];
    for (const attempt of attempts.filter((_, i) => i !== 1)) await expect(attempt()).rejects.toMatchObject({ code: 'READ_ONLY' });
    expect(await readdir(path)).toEqual(['meta.json']);
    await readOnly.close();
  }));

it('a layout that is not there is named in the error', () =>
  withWorkspace(async ({ repository, directory }) => {
    const pulling = openOciDir(join(directory, 'nowhere')).then((source) => importImage(repository, source));
    await expect(pulling).rejects.toThrow(/nowhere/);
  }));

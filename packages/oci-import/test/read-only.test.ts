import { openOciDir } from '@cfskit/ocidir';
import type { ImageSource } from '@cfskit/oci-spec';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { collectGarbage, importImage, importLayer, tagImage, untagImage } from '../src/index.ts';
import { withWorkspace } from './workspace.ts';

const untouched: ImageSource = {
  describe: () => 'nothing',
  resolve: () => Promise.reject(new Error('the source was asked')),
  open: () => {
    throw new Error('the source was asked');
  },
};

it('a repository that cannot be written says so before the source is touched', () =>
  withWorkspace(async ({ repository }) => {
    const readOnly = Object.create(repository, {
      ensureWritable: {
        value: () => {
          throw Object.assign(new Error('Repository is not writable'), { code: 'READ_ONLY' });
        },
      },
    }) as typeof repository;
    const digest = `sha256:${'0'.repeat(64)}`;
    const attempts = [
      () => importImage(readOnly, untouched),
      () => importLayer(readOnly, digest, untouched.open({ mediaType: '', digest, size: 0 })),
      () => tagImage(readOnly, digest, 'x'),
      () => untagImage(readOnly, 'x'),
      () => collectGarbage(readOnly),
    ];
    for (const attempt of attempts.filter((_, i) => i !== 1)) await expect(attempt()).rejects.toMatchObject({ code: 'READ_ONLY' });
    expect(await readdir(repository.path)).toEqual(['meta.json']);
  }));

it('a layout that is not there is named in the error', () =>
  withWorkspace(async ({ repository, directory }) => {
    const pulling = openOciDir(join(directory, 'nowhere')).then((source) => importImage(repository, source));
    await expect(pulling).rejects.toThrow(/nowhere/);
  }));

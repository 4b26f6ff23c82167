import { dirFiles, image, imageIndex, readLayoutFiles, tar, tarLayer, withTempDir, type Packaged } from '@cfskit/fixtures';
import { parsePlatform } from '@cfskit/oci-spec';
import { lstat, mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openDirImageWriter } from '../src/index.ts';
import { failure } from './layouts.ts';

const AMD64 = parsePlatform('linux/amd64');
const layer = tarLayer(tar([{ path: 'a', content: 'alpha' }]));
const one = image({ layers: [layer], platform: AMD64 });
const index = imageIndex([{ image: one, platform: AMD64 }]);

async function write(path: string, packaged: Packaged): Promise<void> {
  const writer = await openDirImageWriter(path);
  for (const { descriptor, bytes } of packaged.blobs.slice(1)) await writer.putBlob(descriptor, [bytes]);
  const { digest, mediaType } = await writer.putManifest(packaged.bytes);
  expect({ digest, mediaType }).toEqual({ digest: packaged.descriptor.digest, mediaType: packaged.descriptor.mediaType });
  await writer.finish();
  await writer.abort();
}

const sorted = (files: object): object => Object.fromEntries(Object.entries(files).toSorted(([a], [b]) => (a < b ? -1 : 1)));

describe('a directory of skopeo that is written', () => {
  it.each([
    ['an image', one],
    ['an index', index],
  ])('has the files that skopeo gives it: %s', async (_, packaged) => {
    await withTempDir(async (directory) => {
      await write(join(directory, 'out'), packaged);
      expect(await readLayoutFiles(join(directory, 'out'))).toEqual(sorted(dirFiles(packaged)));
      expect(await readdir(directory)).toEqual(['out']);
    });
  });

  it('replaces an older one and an empty directory', async () => {
    await withTempDir(async (directory) => {
      await mkdir(join(directory, 'out'));
      await write(join(directory, 'out'), index);
      await write(join(directory, 'out'), one);
      expect(await readLayoutFiles(join(directory, 'out'))).toEqual(sorted(dirFiles(one)));
      expect(await readdir(directory)).toEqual(['out']);
    });
  });

  it('replaces one that a link leads to, not the link', async () => {
    await withTempDir(async (directory) => {
      await write(join(directory, 'real'), index);
      await symlink('real', join(directory, 'link'));
      await write(join(directory, 'link'), one);
      expect(await readLayoutFiles(join(directory, 'real'))).toEqual(sorted(dirFiles(one)));
      expect((await lstat(join(directory, 'link'))).isSymbolicLink()).toBe(true);
      expect((await readdir(directory)).toSorted()).toEqual(['link', 'real']);
    });
  });

  it('is one of those that are finished at the same moment', async () => {
    await withTempDir(async (directory) => {
      const path = join(directory, 'out');
      await write(path, one);
      for (let round = 0; round < 10; round++) await Promise.all([write(path, one), write(path, one), write(path, one)]);
      expect(await readLayoutFiles(path)).toEqual(sorted(dirFiles(one)));
      expect(await readdir(directory)).toEqual(['out']);
    });
  });

  it('names what was asked for where it cannot be written', async () => {
    await withTempDir(async (directory) => {
      const path = join(directory, 'missing/out');
      const error = await failure(openDirImageWriter(path));
      expect(error).toMatchObject({ code: 'ENOENT', path, message: expect.stringContaining(`'${path}'`) as unknown });
    });
  });

  it('replaces nothing else, neither at its beginning nor at its end', async () => {
    await withTempDir(async (directory) => {
      await mkdir(join(directory, 'full/sub'), { recursive: true });
      await writeFile(join(directory, 'file'), 'x');
      await symlink('nowhere', join(directory, 'dangling'));
      for (const name of ['full', 'file', 'dangling']) {
        expect(await failure(openDirImageWriter(join(directory, name)))).toMatchObject({ name: 'OciDirError', code: 'EXISTS' });
      }
      const writer = await openDirImageWriter(join(directory, 'late'));
      await mkdir(join(directory, 'late/sub'), { recursive: true });
      expect(await failure(writer.finish())).toMatchObject({ code: 'EXISTS' });
      await writer.abort();
      expect((await readdir(directory)).toSorted()).toEqual(['dangling', 'file', 'full', 'late']);
    });
  });

  it('has no name before it is finished, and is gone when it is given up', async () => {
    await withTempDir(async (directory) => {
      const writer = await openDirImageWriter(join(directory, 'out'));
      expect(await failure(writer.putManifest(one.bytes))).toMatchObject({ code: 'BLOB_NOT_FOUND' });
      expect(await failure(writer.putBlob(layer.descriptor, [layer.bytes.with(9, 1)]))).toMatchObject({ code: 'DIGEST_MISMATCH' });
      expect(await writer.hasBlob(layer.descriptor)).toBe(false);
      await writer.putBlob(layer.descriptor, [layer.bytes]);
      expect(await writer.hasBlob(layer.descriptor)).toBe(true);
      await writer.abort();
      await writer.abort();
      expect(await readdir(directory)).toEqual([]);
    });
  });
});

import { dirFiles, image, imageIndex, tar, tarLayer, withTempDir, writeLayout, type LayoutFiles } from '@cfskit/fixtures';
import { loadImage, mediaTypes, parsePlatform, readBlob } from '@cfskit/oci-spec';
import { mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openDirImage, type DirImage } from '../src/index.ts';
import { chain, collect, failure } from './layouts.ts';

const AMD64 = parsePlatform('linux/amd64');
const ARM64 = parsePlatform('linux/arm64');
const layer = tarLayer(tar([{ path: 'a', content: 'alpha' }]));
const amd64 = image({ layers: [layer], platform: AMD64 });
const arm64 = image({ layers: [layer], platform: ARM64 });
const index = imageIndex([
  { image: amd64, platform: AMD64 },
  { image: arm64, platform: ARM64 },
]);

async function withDir(files: LayoutFiles, work: (source: DirImage, directory: string) => Promise<void>): Promise<void> {
  await withTempDir(async (directory) => {
    for (const [name, bytes] of Object.entries(files)) await writeFile(join(directory, name), bytes);
    await work(await openDirImage(directory), directory);
  });
}

describe('a directory of skopeo', () => {
  it('gives its one image', async () => {
    await withDir(dirFiles(amd64), async (source, directory) => {
      const { resolved, layers, configRaw } = await loadImage(source, { platform: AMD64 });
      expect(resolved).toEqual({ descriptor: amd64.descriptor, raw: amd64.bytes, platform: AMD64 });
      expect(configRaw).toEqual(amd64.blobs.at(1)!.bytes);
      expect(await readBlob(source, layers.at(0)!.descriptor)).toEqual(layer.bytes);
      expect(await readBlob(source, resolved.descriptor)).toEqual(amd64.bytes);
      expect(source.describe()).toBe(`dir:${directory}`);
    });
  });

  it('gives the image of a platform where it holds an index', async () => {
    await withDir(dirFiles(index), async (source) => {
      const resolved = await source.resolve({ platform: ARM64 });
      expect(resolved).toMatchObject({ descriptor: arm64.descriptor, indexDigest: index.descriptor.digest, platform: ARM64 });
      expect(await source.resolveRoot()).toEqual({ descriptor: index.descriptor, raw: index.bytes });
      expect(await readBlob(source, index.descriptor)).toEqual(index.bytes);
    });
  });

  it('may hold Docker manifests, and one that does not say what it is', async () => {
    const config = { ...amd64.blobs.at(1)!.descriptor, mediaType: mediaTypes.dockerConfig };
    const layers = [{ ...layer.descriptor, mediaType: mediaTypes.dockerLayerGzip }];
    for (const mediaType of [mediaTypes.dockerManifest, undefined]) {
      const manifest = new TextEncoder().encode(JSON.stringify({ schemaVersion: 2, mediaType, config, layers }));
      await withDir({ ...dirFiles(amd64), 'manifest.json': manifest }, async (source) => {
        const loaded = await loadImage(source, { platform: AMD64 });
        expect(loaded.resolved.descriptor.mediaType).toBe(mediaType ?? mediaTypes.manifest);
        expect(loaded.layers.at(0)!.diffId).toBe(layer.diffId);
      });
    }
  });

  it('has no tags, and one platform', async () => {
    await withDir(dirFiles(amd64), async (source) => {
      expect(await failure(source.resolve({ tag: 'v1', platform: AMD64 }))).toMatchObject({ code: 'TAG_NOT_FOUND' });
      const error = await failure(source.resolve({ platform: ARM64 }));
      expect(error).toMatchObject({ code: 'NO_MATCH' });
      expect(chain(error)).toContain('available: linux/amd64');
    });
  });

  it.each([
    ['missing', undefined, 'no version file'],
    ['of another version', 'Directory Transport Version: 7.0\n', '7.0'],
    ['too long', 'x'.repeat(5000), 'cannot be read'],
  ])('warns of a version file that is %s, and is refused when strict', async (_, version, text) => {
    const { version: _old, ...files } = dirFiles(amd64);
    const all = version === undefined ? files : { ...files, version: new TextEncoder().encode(version) };
    await withDir(all, async (source, directory) => {
      const warnings: string[] = [];
      await source.resolve({ platform: AMD64, onWarning: (warning) => warnings.push(warning) });
      expect(warnings).toEqual([expect.stringContaining(text)]);
      expect(await failure(openDirImage(directory, { strict: true }))).toMatchObject({ code: 'LAYOUT_VERSION' });
    });
  });
});

describe('a directory that is not as it should be', () => {
  it('is refused: nothing, a file, a layout', async () => {
    await withTempDir(async (directory) => {
      expect(await failure(openDirImage(join(directory, 'no')))).toMatchObject({ code: 'NOT_A_LAYOUT', cause: { code: 'ENOENT' } });
      await writeFile(join(directory, 'file'), 'x');
      expect(await failure(openDirImage(join(directory, 'file')))).toMatchObject({ code: 'NOT_A_LAYOUT' });
      await writeLayout(join(directory, 'layout'), { 'index.json': new Uint8Array(1) });
      const error = await failure(openDirImage(join(directory, 'layout')));
      expect(error).toMatchObject({ code: 'NOT_A_LAYOUT' });
      expect(chain(error)).toContain(`oci:${join(directory, 'layout')}`);
    });
  });

  it.each<[string, string, string]>([
    ['an HTML page', '<html>', 'INVALID_JSON'],
    [
      'a manifest that is an index too',
      JSON.stringify({ schemaVersion: 2, manifests: [], layers: [], config: layer.descriptor }),
      'AMBIGUOUS_DOCUMENT',
    ],
    [
      'schema 1',
      JSON.stringify({ schemaVersion: 1, mediaType: 'application/vnd.docker.distribution.manifest.v1+json' }),
      'UNEXPECTED_MEDIA_TYPE',
    ],
    [
      'a digest that is a path',
      JSON.stringify({ schemaVersion: 2, layers: [], config: { ...layer.descriptor, digest: 'sha256:../../x' } }),
      'INVALID_DIGEST',
    ],
  ])('is refused: %s', async (_, manifest, code) => {
    await withDir({ ...dirFiles(amd64), 'manifest.json': new TextEncoder().encode(manifest) }, async (source) => {
      expect(await failure(source.resolve({ platform: AMD64 }))).toMatchObject({ name: 'OciSpecError', code });
    });
  });

  it('is refused: missing and short blobs, other digests, links out of it', async () => {
    await withDir(dirFiles(amd64), async (source, directory) => {
      const name = layer.descriptor.digest.slice(7);
      await writeFile(join(directory, name), 'short');
      expect(await failure(readBlob(source, layer.descriptor))).toMatchObject({ code: 'SIZE_MISMATCH' });
      await rm(join(directory, name));
      expect(await failure(readBlob(source, layer.descriptor))).toMatchObject({ code: 'BLOB_NOT_FOUND' });
      expect(await failure(readBlob(source, { ...layer.descriptor, urls: ['https://x/y'] }))).toMatchObject({ code: 'FOREIGN_LAYER' });
      await symlink('/etc/passwd', join(directory, name));
      expect(await failure(readBlob(source, layer.descriptor))).toMatchObject({ code: 'OUTSIDE_LAYOUT' });
      expect(await failure(collect(source.open({ ...layer.descriptor, digest: 'md5:1' })))).toMatchObject({ code: 'UNSUPPORTED_DIGEST' });
      await rm(join(directory, 'manifest.json'));
      await mkdir(join(directory, 'manifest.json'));
      expect(await failure(source.resolve({ platform: AMD64 }))).toMatchObject({ code: 'NOT_A_FILE' });
    });
  });
});

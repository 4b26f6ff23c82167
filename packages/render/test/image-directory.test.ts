import { mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { blobPath, image, imageIndex, jsonBlob, layoutFiles, tarLayer, withTempDir, type Packaged } from '@cfskit/fixtures';
import { openOciLayoutWriter } from '@cfskit/ocidir';
import { parsePlatform } from '@cfskit/oci-spec';
import { describe, expect, it } from 'vitest';
import { openImageDirectory, type ImageDirectoryOptions, type RenderImage } from '../src/index.ts';
import { sniffMediaType } from '../src/layer-format.ts';
import { failureOf, merge } from './support/images.ts';
import { layer } from './support/layer-builder.ts';
import { dockerSave, fiveLayers, threeLayouts, writeFiles, type Files } from './support/layouts.ts';

const TAR = 'application/vnd.oci.image.layer.v1.tar';
const three = ['base', 'middle', 'newest'].map((name) => tarLayer(layer().file(name).build(), 'gzip'));

async function opened(
  files: Files,
  options: ImageDirectoryOptions = {},
  change?: (directory: string) => Promise<void>,
): Promise<RenderImage> {
  return withTempDir(async (directory) => {
    await writeFiles(directory, files);
    await change?.(directory);
    return openImageDirectory(directory, options);
  });
}

/** What a layout of these images says, with index.json replaced by `index`. */
function withIndex(images: readonly Packaged[], index: unknown): Files {
  return { ...layoutFiles(images.map((one) => ({ image: one }))), 'index.json': JSON.stringify(index) };
}

const names = ({ layers }: RenderImage): string[] => layers.map(({ name }) => name);
const digests = three.map(({ descriptor }) => descriptor.digest);

const path = (n: number): string => blobPath(digests[n] ?? '');

describe('the type of a layer', () => {
  it.each([
    ['1f8b0800', `${TAR}+gzip`],
    ['28b52ffd', `${TAR}+zstd`],
    ['425a6839', `${TAR}+bzip2`],
    ['fd377a585a00', `${TAR}+xz`],
    ['66696c65', TAR],
    ['1f', TAR],
    ['', TAR],
  ])('is told by its first bytes: %s', (hex, mediaType) => {
    expect(sniffMediaType(Buffer.from(hex, 'hex'))).toBe(mediaType);
  });
});

describe('an OCI layout', () => {
  it('with one layer', async () => {
    const one = await opened(layoutFiles([{ image: image({ layers: three.slice(0, 1) }) }]));
    expect(one.layers).toMatchObject([
      { name: digests[0], mediaType: `${TAR}+gzip`, blob: { digest: digests[0], size: three[0]?.bytes.length }, diffId: three[0]?.diffId },
    ]);
  });

  it('keeps the order of three', async () => {
    expect(names(await opened(layoutFiles([{ image: image({ layers: three }) }])))).toEqual(digests);
  });

  it('comes before manifest.json', async () => {
    const files = { ...dockerSave(fiveLayers()), ...layoutFiles([{ image: image({ layers: three }) }]) };
    expect(names(await opened(files))).toEqual(digests);
  });

  it('may have been written by another library', async () => {
    await withTempDir(async (directory) => {
      const writer = await openOciLayoutWriter(directory);
      const packaged = image({ layers: three });
      for (const { descriptor, bytes } of packaged.blobs.slice(1)) await writer.addBlob([bytes], descriptor.mediaType);
      await writer.putManifest(packaged.bytes, { tag: 'v1' });
      expect(names(await openImageDirectory(directory))).toEqual(digests);
    });
  });

  it('with an index inside the index', async () => {
    const index = imageIndex([{ image: image({ layers: three }), platform: { os: 'linux', architecture: 'amd64' } }]);
    expect(names(await opened(layoutFiles([{ image: index }])))).toEqual(digests);
  });

  it('with media types of Docker', async () => {
    const packaged = image({ layers: three, mediaType: 'application/vnd.docker.distribution.manifest.v2+json' });
    const list = imageIndex([{ image: packaged }], { mediaType: 'application/vnd.docker.distribution.manifest.list.v2+json' });
    expect(names(await opened(layoutFiles([{ image: list }])))).toEqual(digests);
  });

  it('with an entry without a media type, which is a manifest', async () => {
    const packaged = image({ layers: three });
    const { mediaType: _, ...descriptor } = packaged.descriptor;
    expect(names(await opened(withIndex([packaged], { schemaVersion: 2, manifests: [descriptor] })))).toEqual(digests);
  });

  it.each([
    ['neither file', {}, 'NO_IMAGE', /no index\.json or manifest\.json found in /],
    ['no manifests', { 'index.json': '{"schemaVersion":2,"manifests":[]}' }, 'NO_IMAGE', /empty manifests/],
    [
      'a digest of another kind',
      withIndex([], {
        schemaVersion: 2,
        manifests: [{ mediaType: 'application/vnd.oci.image.manifest.v1+json', digest: `blake3:${'0'.repeat(64)}`, size: 2 }],
      }),
      'UNSUPPORTED_DIGEST',
      /unsupported digest algorithm in: blake3:/,
    ],
    [
      'a digest that is a path',
      withIndex([], {
        schemaVersion: 2,
        manifests: [{ mediaType: 'application/vnd.oci.image.manifest.v1+json', digest: 'sha256:../../etc/passwd', size: 2 }],
      }),
      'INVALID_DIGEST',
      /sha256/,
    ],
  ])('with %s', async (_, files: Files, code, message) => {
    const error = await failureOf(opened(files));
    expect([error.code, error.message]).toEqual([code, expect.stringMatching(message)]);
  });

  it('with an index of indexes only', async () => {
    const inner = imageIndex([{ image: image({ layers: three }) }]);
    const outer = imageIndex([{ image: inner }]);
    const error = await failureOf(opened(layoutFiles([{ image: outer }])));
    expect([error.code, error.message]).toEqual(['NO_IMAGE', expect.stringContaining('contains no single-image manifest entry')]);
  });

  it('chooses by tag and platform, and lists the candidates when it cannot', async () => {
    const [a, b] = [
      image({ layers: three.slice(0, 1) }),
      image({ layers: three.slice(1, 2), platform: { os: 'linux', architecture: 'arm64' } }),
    ];
    const attestation = image({ layers: three.slice(2) });
    const index = imageIndex([
      { image: a, platform: parsePlatform('linux/amd64') },
      { image: b, platform: parsePlatform('linux/arm64') },
      { image: attestation, platform: { os: 'unknown', architecture: 'unknown' } },
    ]);
    const files = layoutFiles([
      { image: index, tag: 'multi' },
      { image: attestation, tag: 'other' },
    ]);
    expect(names(await opened(files, { tag: 'multi', platform: parsePlatform('linux/arm64') }))).toEqual([digests[1]]);
    expect(names(await opened(files, { tag: 'other' }))).toEqual([digests[2]]);
    const error = await failureOf(opened(files, { tag: 'multi' }));
    expect([error.code, error.message]).toEqual(['AMBIGUOUS_IMAGE', expect.stringMatching(/linux\/amd64 sha256:.*, linux\/arm64 sha256:/)]);
    expect(await failureOf(opened(files, { tag: 'multi', platform: parsePlatform('linux/s390x') }))).toMatchObject({ code: 'NO_IMAGE' });
    expect(await failureOf(opened(files, { tag: 'none' }))).toMatchObject({ code: 'NO_IMAGE' });
  });

  it('that holds an artifact is refused', async () => {
    const config = jsonBlob({}, 'application/vnd.example.config+json');
    expect(await failureOf(opened(layoutFiles([{ image: image({ layers: three, config }) }])))).toMatchObject({ code: 'NOT_AN_IMAGE' });
  });
});

describe('a directory of docker save', () => {
  it('with LayerSources', async () => {
    expect((await opened(dockerSave(three))).layers).toMatchObject(
      three.map(({ descriptor, diffId }) => ({ name: blobPath(descriptor.digest), mediaType: descriptor.mediaType, diffId })),
    );
  });

  it('without: the bytes tell', async () => {
    expect((await opened(dockerSave(fiveLayers(), false))).layers.map(({ mediaType }) => mediaType)).toEqual([
      TAR,
      ...Array.from({ length: 4 }, () => `${TAR}+gzip`),
    ]);
  });

  it('in the old form, with links to layers that are there twice', async () => {
    const one = layer().file('f', 'x').build();
    const files = { 'manifest.json': JSON.stringify([{ Layers: ['a/layer.tar', 'b/layer.tar'] }]), 'a/layer.tar': one };
    const found = await withTempDir(async (directory) => {
      await writeFiles(directory, files);
      await mkdir(join(directory, 'b'));
      await symlink('../a/layer.tar', join(directory, 'b/layer.tar'));
      const opening = await openImageDirectory(directory);
      return merge(...opening.layers);
    });
    expect([...found.keys()]).toEqual(['f']);
  });

  it.each([
    ['no image', [], 'NO_IMAGE'],
    ['no list', {}, 'INVALID_IMAGE'],
    ['a layer outside', [{ Layers: ['../layer.tar'] }], 'INVALID_IMAGE'],
    ['an absolute layer', [{ Layers: ['/etc/passwd'] }], 'INVALID_IMAGE'],
    ['a config outside', [{ Config: '../config.json', Layers: [] }], 'INVALID_IMAGE'],
    ['a layer that is not there', [{ Layers: ['nowhere.tar'] }], 'BLOB_NOT_FOUND'],
    ['a number for a layer', [{ Layers: [5] }], 'INVALID_IMAGE'],
  ])('%s', async (_, manifest, code) => {
    expect(await failureOf(opened({ 'manifest.json': JSON.stringify(manifest) }))).toMatchObject({ code });
  });

  it('with a count of layers other than that of its config', async () => {
    const files = dockerSave(three);
    const manifest = JSON.parse(String(files['manifest.json'])) as { Layers: string[] }[];
    const cut = manifest.map((one) => Object.assign(one, { Layers: one.Layers.slice(1) }));
    expect(await failureOf(opened({ ...files, 'manifest.json': JSON.stringify(cut) }))).toMatchObject({ code: 'INVALID_IMAGE' });
  });
});

describe('blobs', () => {
  const files = layoutFiles([{ image: image({ layers: three }) }]);

  it('that are missing are named', async () => {
    const error = await failureOf(opened(files, {}, (directory) => rm(join(directory, path(1)))));
    expect([error.code, error.message]).toEqual(['BLOB_NOT_FOUND', expect.stringMatching(/^layer blob not found: .*blobs\/sha256\//)]);
  });

  it('that are directories hold a file named after the layer', async () => {
    const found = await withTempDir(async (directory) => {
      await writeFiles(directory, files);
      for (const n of [0, 2]) {
        await rename(join(directory, path(n)), join(directory, 'moved'));
        await mkdir(join(directory, path(n)));
        await rename(join(directory, 'moved'), join(directory, path(n), String(n)));
      }
      return merge(...(await openImageDirectory(directory)).layers);
    });
    expect([...found.keys()].toSorted()).toEqual(['base', 'middle', 'newest']);
  });

  it('that lead out of the directory are refused', async () => {
    const error = await failureOf(
      opened(files, {}, async (directory) => {
        await rm(join(directory, path(0)));
        await symlink('/etc/passwd', join(directory, path(0)));
      }),
    );
    expect([error.code, error.message]).toEqual(['INVALID_IMAGE', expect.stringContaining('leads out of the image directory')]);
  });

  it('that are no files are refused, and documents that are too large', async () => {
    expect(
      await failureOf(opened(files, {}, (directory) => rm(join(directory, 'index.json')).then(() => mkdir(join(directory, 'index.json'))))),
    ).toMatchObject({ code: 'INVALID_IMAGE' });
    expect(
      await failureOf(opened(files, {}, (directory) => writeFile(join(directory, 'index.json'), ' '.repeat(5_000_000)))),
    ).toMatchObject({ code: 'INVALID_IMAGE' });
  });
});

it('the three forms of one image give the same result', async () => {
  const results: unknown[] = [];
  for (const files of Object.values(threeLayouts())) {
    await withTempDir(async (directory) => {
      await writeFiles(directory, files);
      results.push([...(await merge(...(await openImageDirectory(directory)).layers)).values()]);
    });
  }
  expect(results[1]).toEqual(results[0]);
  expect(results[2]).toEqual(results[0]);
});

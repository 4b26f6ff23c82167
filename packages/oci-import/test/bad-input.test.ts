import {
  artifact,
  blobPath,
  flipBit,
  image,
  imageConfig,
  jsonBlob,
  layoutFiles,
  sha256,
  tar,
  tarLayer,
  toBlob,
  writeLayout,
} from '@cfskit/fixtures';
import type { Blob, Layer, Packaged } from '@cfskit/fixtures';
import { openOciDir } from '@cfskit/ocidir';
import type { Repository } from '@cfskit/repository';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { OciImportError } from '../src/index.ts';
import type { ImportImageOptions } from '../src/index.ts';
import { leftovers, names, pull, withWorkspace } from './workspace.ts';
import type { Workspace } from './workspace.ts';

const content = Uint8Array.from({ length: 5000 }, (_, i) => i % 251);
const goodTar = tar([
  { path: 'usr', type: 'dir' },
  { path: 'usr/a', content },
  { path: 'usr/b', content: 'small' },
]);

/** The failure of a pull that must leave nothing behind. */
async function failure({ repository, layout }: Workspace, pulled: Packaged, options: ImportImageOptions = {}): Promise<OciImportError> {
  const source = await layout([{ image: pulled, tag: 'latest', platform: { architecture: 'amd64', os: 'linux' } }]);
  const error = await pull(repository, source, { name: 'demo', ...options }).catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(OciImportError);
  expect(await leftovers(repository)).toEqual([]);
  return error as OciImportError;
}

/** A layer whose descriptor or diff_id says something else than its bytes. */
function lying(layer: Layer, lie: { bytes?: Uint8Array; diffId?: string; mediaType?: string; size?: number }): Layer {
  const { bytes, diffId, ...descriptor } = lie;
  return { bytes: bytes ?? layer.bytes, diffId: diffId ?? layer.diffId, descriptor: { ...layer.descriptor, ...descriptor } };
}

const wrongDigest = sha256(content);
const gzip = tarLayer(goodTar, 'gzip');
const zstd = tarLayer(goodTar, 'zstd');
const plain = tarLayer(goodTar, 'none');
const grown = (bytes: Uint8Array): Uint8Array => Uint8Array.from([...bytes, 0]);
const rebuilt = (layer: Layer, bytes: Uint8Array): Layer => ({ ...toBlob(bytes, layer.descriptor.mediaType), diffId: layer.diffId });

const badLayers: readonly [string, Layer, object][] = [
  [
    'gzip blob with a flipped bit',
    lying(gzip, { bytes: flipBit(gzip.bytes, 40) }),
    { code: 'DIGEST_MISMATCH', expected: gzip.descriptor.digest },
  ],
  ['zstd blob with a flipped bit', lying(zstd, { bytes: flipBit(zstd.bytes, 40) }), { code: 'DIGEST_MISMATCH' }],
  ['plain tar with a flipped header', lying(plain, { bytes: flipBit(plain.bytes, 3) }), { code: 'DIGEST_MISMATCH' }],
  ['blob that is too long', lying(gzip, { bytes: grown(gzip.bytes) }), { code: 'SIZE_MISMATCH' }],
  ['blob that is too short', lying(gzip, { bytes: gzip.bytes.slice(0, -1) }), { code: 'SIZE_MISMATCH' }],
  ['size that lies', lying(gzip, { size: gzip.descriptor.size + 1 }), { code: 'SIZE_MISMATCH' }],
  ['truncated gzip', rebuilt(gzip, gzip.bytes.slice(0, -5)), { code: 'TRUNCATED' }],
  ['truncated zstd', rebuilt(zstd, zstd.bytes.slice(0, -5)), { code: 'TRUNCATED' }],
  ['gzip with a wrong checksum', rebuilt(gzip, flipBit(gzip.bytes, gzip.bytes.length - 8)), { code: 'BAD_CHECKSUM' }],
  ['gzip with something behind it', rebuilt(gzip, Uint8Array.from([...gzip.bytes, 1])), { code: 'TRAILING_DATA' }],
  ['tar that ends inside a file', tarLayer(goodTar.slice(0, 2048)), { name: 'TarSplitError', code: 'TRUNCATED' }],
  ['tar with a broken header', tarLayer(flipBit(goodTar, 3)), { name: 'TarSplitError', code: 'CHECKSUM_MISMATCH' }],
  [
    'wrong diff_id',
    lying(gzip, { diffId: wrongDigest }),
    { code: 'DIFF_ID_MISMATCH', context: { expected: wrongDigest, actual: gzip.diffId } },
  ],
  ['wrong diff_id of a plain tar', lying(plain, { diffId: wrongDigest }), { code: 'DIFF_ID_MISMATCH', context: { actual: plain.diffId } }],
  ['compressed digest as diff_id', lying(gzip, { diffId: gzip.descriptor.digest }), { code: 'DIFF_ID_MISMATCH' }],
];

describe('a layer that is not what it should be', () => {
  it.each(badLayers)('%s', (_, layer, cause) =>
    withWorkspace(async (workspace) => {
      const error = await failure(workspace, image({ layers: [layer] }));
      expect(error).toMatchObject({
        code: 'LAYER_FAILED',
        context: { blob: layer.descriptor.digest, layer: { index: 0, diffId: layer.diffId } },
      });
      expect(error.message).toContain(`Failed to import layer ${layer.descriptor.digest}`);
      expect(error.message).toContain(layer.descriptor.mediaType);
      expect(error.message).toContain('layout');
      expect(error.cause).toMatchObject(cause);
      expect(await names(workspace.repository)).toEqual([]);
    }),
  );

  it.each(['DIGEST_MISMATCH', 'DIFF_ID_MISMATCH'])('prints both values of a %s', (code) =>
    withWorkspace(async (workspace) => {
      const layer = code === 'DIFF_ID_MISMATCH' ? lying(gzip, { diffId: wrongDigest }) : lying(gzip, { bytes: flipBit(gzip.bytes, 40) });
      const { cause } = await failure(workspace, image({ layers: [layer] }));
      const [wanted, found] = code === 'DIFF_ID_MISMATCH' ? [wrongDigest, gzip.diffId] : [gzip.descriptor.digest, sha256(layer.bytes)];
      expect((cause as Error).message).toContain(wanted);
      expect((cause as Error).message).toContain(found);
    }),
  );

  it('does the same in worker threads, with the same errors', () =>
    withWorkspace(async (workspace) => {
      for (const [, layer, cause] of badLayers.filter(([name]) => /flipped|truncated gzip|broken header|^wrong diff_id$/.test(name))) {
        const error = await failure(workspace, image({ layers: [layer] }), { threads: 'always' });
        expect(error.cause).toMatchObject(cause);
        expect(error.cause).toBeInstanceOf(Error);
      }
      expect(await names(workspace.repository)).toEqual([]);
    }));

  it('a bomb stops at its limit', () =>
    withWorkspace(async (workspace) => {
      const bomb = tarLayer(tar([{ path: 'zeros', content: new Uint8Array(8_000_000) }]));
      const error = await failure(workspace, image({ layers: [bomb] }), { limits: { maxOutput: 1_000_000 } });
      expect(error.cause).toMatchObject({ code: 'OUTPUT_LIMIT' });
      expect(await names(workspace.repository)).toEqual([]);
    }));

  it('one of several: those that were complete stay, nothing else gets a name', () =>
    withWorkspace(async (workspace) => {
      const large = tarLayer(tar([{ path: 'large', content: new Uint8Array(70_000).map((_, i) => i * i) }]));
      const small = lying(gzip, { diffId: wrongDigest });
      const error = await failure(workspace, image({ layers: [small, large] }), { jobs: 1 });
      expect(error.context.layer).toMatchObject({ index: 0, count: 2 });
      expect(await names(workspace.repository)).toEqual([`oci-layer-${large.diffId}`]);
      expect((await workspace.repository.fsck()).errors).toEqual([]);
    }));
});

/** The failure of a pull that named nothing at all. */
function refusal(pulled: Packaged, options?: ImportImageOptions): Promise<OciImportError> {
  return withWorkspace(async (workspace) => {
    const error = await failure(workspace, pulled, options);
    expect(await names(workspace.repository)).toEqual([]);
    return error;
  });
}

describe('what is refused before any layer is read', () => {
  it.each([1, 3])('%d diff_ids for two layers', async (count) => {
    const config = imageConfig({ diffIds: Array.from({ length: count }, () => gzip.diffId) });
    const error = await refusal(image({ layers: [gzip, zstd], config }));
    expect(error).toMatchObject({ code: 'LAYER_COUNT' });
    expect(error.message).toContain(`expected 2 layer refs but got ${count}`);
  });

  it.each(['sha256:../../x', 'sha256:abc', 'md5:d41d8cd98f00b204e9800998ecf8427e', 'nonsense'])('the diff_id %s', async (diffId) => {
    const error = await refusal(image({ layers: [lying(gzip, { diffId })] }));
    expect(error).toMatchObject({ code: 'INVALID_DIFF_ID' });
    expect((error.cause as Error).message).toContain('parsing diff_id from image config');
  });

  it.each([
    ['application/vnd.oci.image.layer.v1.tar+gzip+encrypted', 'encrypted'],
    ['application/octet-stream', 'must be a tar'],
  ])('a layer of type %s', async (mediaType, reason) => {
    const error = await refusal(image({ layers: [lying(gzip, { mediaType })] }));
    expect(error).toMatchObject({ code: 'UNSUPPORTED_LAYER', context: { layer: { mediaType } } });
    expect(error.message).toContain(reason);
  });

  it('an encrypted layer of an artifact', async () => {
    const mediaType = 'application/vnd.oci.image.layer.v1.tar+encrypted';
    const pulled = artifact({ artifactType: 'application/x', layers: [toBlob(content, mediaType)] });
    const error = await refusal(pulled, { tag: 'latest' });
    expect(error).toMatchObject({ code: 'UNSUPPORTED_LAYER', message: expect.stringContaining('encrypted') });
  });

  it('a config that is no JSON', async () => {
    const config = toBlob(new TextEncoder().encode('{'), 'application/vnd.oci.image.config.v1+json');
    const error = await refusal(image({ layers: [gzip], config }));
    expect(error).toMatchObject({ code: 'CONFIG_FAILED', context: { blob: config.descriptor.digest } });
  });

  it('another manifest than expected', async () => {
    const error = await refusal(image({ layers: [gzip] }), { expectManifest: wrongDigest });
    expect(error).toMatchObject({ code: 'UNEXPECTED_MANIFEST' });
    expect(error.message).toContain(wrongDigest);
  });

  it('a tag that cannot be one', () =>
    withWorkspace(async ({ repository, layout }) => {
      const source = await layout([{ image: image({ layers: [gzip] }) }]);
      for (const name of ['', '@x', '.', 'a\0b', wrongDigest, 'x'.repeat(300)]) {
        await expect(pull(repository, source, { name })).rejects.toMatchObject({ name: 'OciRefError' });
      }
      expect(await names(repository)).toEqual([]);
    }));

  it('an unknown tag, with the tags there are', () =>
    withWorkspace(async (workspace) => {
      const error = await failure(workspace, image({ layers: [gzip] }), { tag: 'other' });
      expect(error.code).toBe('RESOLVE_FAILED');
      expect(error.cause).toMatchObject({ code: 'TAG_NOT_FOUND', message: expect.stringContaining('latest') });
    }));

  it('no manifest for the platform, with the platforms there are', () =>
    withWorkspace(async ({ repository, layout }) => {
      const platform = { architecture: 's390x', os: 'linux' };
      const source = await layout([{ image: image({ layers: [gzip], platform }), platform }]);
      const error = await pull(repository, source).catch((caught: unknown) => caught);
      expect(error).toMatchObject({ code: 'RESOLVE_FAILED', cause: { message: expect.stringContaining('linux/s390x') } });
    }));
});

describe('blobs of a layout', () => {
  const pulled = image({ layers: [gzip, plain] });
  const [manifest, config] = pulled.blobs as readonly [Blob, Blob];

  async function pullDamaged(
    repository: Repository,
    directory: string,
    damage: (path: (blob: Blob) => string) => Promise<void>,
  ): Promise<OciImportError> {
    const root = join(directory, 'damaged');
    await writeLayout(root, layoutFiles([{ image: pulled, tag: 'latest', platform: { architecture: 'amd64', os: 'linux' } }]));
    await damage((blob) => join(root, blobPath(blob.descriptor.digest)));
    const error = await pull(repository, await openOciDir(root)).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(OciImportError);
    expect((await names(repository)).filter((name) => !name.startsWith('oci-layer-'))).toEqual([]);
    return error as OciImportError;
  }

  it.each([
    ['manifest', manifest, 'RESOLVE_FAILED'],
    ['config', config, 'CONFIG_FAILED'],
    ['layer', gzip, 'LAYER_FAILED'],
  ] as const)('the %s is missing', (_, blob, code) =>
    withWorkspace(async ({ repository, directory }) => {
      const error = await pullDamaged(repository, directory, (path) => rm(path(blob)));
      expect(error.code).toBe(code);
      expect(`${error.message} ${(error.cause as Error).message}`).toContain(blob.descriptor.digest);
    }),
  );

  it.each([
    ['manifest', manifest, 'RESOLVE_FAILED'],
    ['config', config, 'CONFIG_FAILED'],
  ] as const)('the %s has a flipped bit', (_, blob, code) =>
    withWorkspace(async ({ repository, directory }) => {
      const error = await pullDamaged(repository, directory, (path) => writeFile(path(blob), flipBit(blob.bytes, 5)));
      expect(error.code).toBe(code);
      expect(error.cause).toMatchObject({ code: 'DIGEST_MISMATCH' });
      expect(await names(repository)).toEqual([]);
    }),
  );
});

it('a Docker image is an image, too', () =>
  withWorkspace(async ({ repository, layout }) => {
    const layer = lying(gzip, { mediaType: 'application/vnd.docker.image.rootfs.diff.tar.gzip' });
    const body = { architecture: 'amd64', os: 'linux', rootfs: { type: 'layers', diff_ids: [gzip.diffId] } };
    const config = jsonBlob(body, 'application/vnd.docker.container.image.v1+json');
    const docker = image({ layers: [layer], config, mediaType: 'application/vnd.docker.distribution.manifest.v2+json' });
    const result = await pull(repository, await layout([{ image: docker, tag: 'latest' }]), { tag: 'latest' });
    expect(result.isContainer).toBe(true);
    expect(repository.hasStream(`oci-layer-${gzip.diffId}`)).toBeDefined();
  }));

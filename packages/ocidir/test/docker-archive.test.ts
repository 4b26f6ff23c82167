import {
  compress,
  dockerSaveEntries,
  image,
  imageConfig,
  imageIndex,
  layoutFiles,
  tar,
  tarLayer,
  withTempDir,
  type DockerSaveForm,
  type SavedImage,
  type TarEntry,
} from '@cfskit/fixtures';
import { digestOf, loadImage, mediaTypes, parsePlatform, readBlob } from '@cfskit/oci-spec';
import { array, assert, asyncProperty, nat, record, uint8Array } from 'fast-check';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openArchive, type Archive } from '../src/archive-file.ts';
import { dockerArchiveIn } from '../src/docker-archive.ts';
import { openDockerArchive, type DockerArchive, type OpenDockerArchiveOptions } from '../src/index.ts';
import { withArchive } from './archives.ts';
import { chain, collect, failure } from './layouts.ts';

const AMD64 = parsePlatform('linux/amd64');
const ARM64 = parsePlatform('linux/arm64');
const tarA = tar([{ path: 'a', content: 'alpha' }]);
const tarB = tar([{ path: 'b', content: 'beta' }]);
const layerA = tarLayer(tarA, 'none');
const layerB = tarLayer(tarB, 'none');
const app = image({ layers: [layerA, layerB, layerA], platform: AMD64 });
const tool = image({ layers: [layerB], platform: AMD64 });
const foreign = image({ layers: [layerA], platform: ARM64 });
const two: readonly SavedImage[] = [
  { image: app, names: ['reg.io/team/app:v1', 'app:latest'] },
  { image: tool, names: ['docker.io/team/tool:2'] },
];
const FORMS: readonly DockerSaveForm[] = ['legacy', 'flat', 'blobs'];

async function withEntries(
  entries: readonly TarEntry[],
  work: (archive: DockerArchive, path: string) => Promise<void>,
  options: OpenDockerArchiveOptions = {},
): Promise<void> {
  await withArchive(tar(entries), async (path) => {
    const archive = await openDockerArchive(path, options);
    try {
      await work(archive, path);
    } finally {
      await archive.close();
    }
  });
}

/** The same entries, but that what had the content `old` has another. */
function replaced(entries: readonly TarEntry[], old: Uint8Array, content: Uint8Array): readonly TarEntry[] {
  const other = (entry: TarEntry): TarEntry => ({ ...entry, content });
  return entries.map((entry) => (entry.content === old ? other(entry) : entry));
}

const json = (path: string, value: unknown): TarEntry => ({ path, content: JSON.stringify(value) });
const item = (path: string, names: readonly string[] | null, layers: readonly string[]) => ({
  Config: path,
  RepoTags: names,
  Layers: layers,
});

describe.each(FORMS)('a docker-save archive in the form %s', (form) => {
  it('gives the layers of each image, those that are links too', async () => {
    await withEntries(dockerSaveEntries(two, form), async (archive) => {
      expect(archive.tags()).toEqual(['reg.io/team/app:v1', 'app:latest', 'docker.io/team/tool:2']);
      const { layers, configRaw, config } = await loadImage(archive, { tag: 'app', platform: AMD64 });
      expect(configRaw).toEqual(app.blobs.at(1)!.bytes);
      expect(layers.map(({ diffId }) => diffId)).toEqual(config!.rootfs.diff_ids);
      expect(layers.map(({ descriptor }) => descriptor)).toEqual([layerA, layerB, layerA].map(({ descriptor }) => descriptor));
      for (const [i, { descriptor }] of layers.entries()) expect(await readBlob(archive, descriptor)).toEqual([tarA, tarB, tarA][i]);
    });
  });

  it('has always the same manifest for an image, which can be read like any blob', async () => {
    await withEntries(dockerSaveEntries(two, form), async (archive) => {
      const { descriptor, raw, platform, indexDigest } = await archive.resolve({ tag: '@1', platform: AMD64 });
      const { config, layers } = JSON.parse(new TextDecoder().decode(tool.bytes)) as { config: object; layers: object[] };
      const text = JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.manifest, config, layers });
      expect(new TextDecoder().decode(raw)).toBe(text);
      expect({ platform, indexDigest }).toEqual({ platform: AMD64, indexDigest: undefined });
      expect(await readBlob(archive, descriptor)).toEqual(new TextEncoder().encode(text));
      expect(await archive.resolveRoot({ tag: 'team/tool:2' })).toEqual({ descriptor, raw });
    });
  });

  it.each(['reg.io/team/app:v1', 'app', 'app:latest', 'library/app', 'docker.io/library/app:latest', '@0'])(
    'finds an image as %s',
    async (tag) => {
      await withEntries(
        dockerSaveEntries(two, form),
        async (archive) =>
          expect((await loadImage(archive, { platform: AMD64 })).manifest.config.digest).toBe(app.blobs.at(1)!.descriptor.digest),
        { tag },
      );
    },
  );

  it.each(['app:v2', 'reg.io/team/app', 'other', '@2', '@', 'UPPER', ''])(
    'has no image named "%s", and lists those there are',
    async (tag) => {
      await withEntries(dockerSaveEntries(two, form), async (archive) => {
        const error = await failure(archive.resolve({ tag, platform: AMD64 }));
        expect(error).toMatchObject({ code: 'TAG_NOT_FOUND' });
        expect(chain(error)).toContain('available: reg.io/team/app:v1, app:latest, docker.io/team/tool:2');
      });
    },
  );

  it('wants a name where there are several images, and none where there is one', async () => {
    await withEntries(dockerSaveEntries(two, form), async (archive) => {
      const error = await failure(archive.resolve({ platform: AMD64 }));
      expect(error).toMatchObject({ code: 'AMBIGUOUS' });
      expect(chain(error)).toContain('@0 to @1');
      expect(await failure(archive.resolveRoot())).toMatchObject({ code: 'AMBIGUOUS' });
    });
    await withEntries(dockerSaveEntries([{ image: tool }], form), async (archive) => {
      expect((await archive.resolve({ platform: AMD64 })).platform).toEqual(AMD64);
    });
  });

  it('is chosen from by platform', async () => {
    const names = ['multi:1'];
    await withEntries(
      dockerSaveEntries(
        [
          { image: foreign, names },
          { image: app, names },
        ],
        form,
      ),
      async (archive) => {
        expect((await loadImage(archive, { tag: 'multi:1', platform: AMD64 })).layers).toHaveLength(3);
        expect((await loadImage(archive, { platform: ARM64 })).layers).toHaveLength(1);
        const error = await failure(archive.resolve({ platform: parsePlatform('linux/s390x') }));
        expect(error).toMatchObject({ code: 'NO_MATCH' });
        expect(chain(error)).toContain('available: linux/arm64, linux/amd64');
      },
    );
  });

  it('is refused where a layer is not what its diff_id says', async () => {
    const wrong = tarB.map((byte, i) => (i === 520 ? byte ^ 1 : byte));
    const entries = replaced(dockerSaveEntries([{ image: app }], form), layerB.bytes, wrong);
    await withEntries(entries, async (archive) => {
      const { layers } = await loadImage(archive, { platform: AMD64 });
      const error = await failure(readBlob(archive, layers.at(1)!.descriptor));
      expect(error).toMatchObject({ code: 'DIGEST_MISMATCH', expected: layerB.diffId, actual: digestOf(wrong) });
    });
  });

  it('is refused where the config is not what its name says', async () => {
    const config = app.blobs.at(1)!.bytes;
    const changed = config.map((byte, i) => (i === config.length - 30 ? byte ^ 1 : byte));
    const entries = replaced(dockerSaveEntries([{ image: app }], form), config, changed);
    await withEntries(entries, async (archive) => {
      const error = await failure(archive.resolve({ platform: AMD64 }));
      expect(error).toMatchObject({ code: 'DIGEST_MISMATCH', expected: digestOf(config), actual: digestOf(changed) });
    });
  });

  it('is refused where a file is missing, and other images stay readable', async () => {
    const entries = dockerSaveEntries(two, form);
    const without = (content: Uint8Array): readonly TarEntry[] => entries.filter((entry) => entry.content !== content);
    await withEntries(without(layerA.bytes), async (archive) => {
      expect(await failure(archive.resolve({ tag: 'app', platform: AMD64 }))).toMatchObject({
        code: 'BLOB_NOT_FOUND',
        digest: layerA.diffId,
      });
      expect((await archive.resolve({ tag: 'team/tool:2', platform: AMD64 })).platform).toEqual(AMD64);
      expect(await readBlob(archive, layerB.descriptor)).toEqual(tarB);
      expect(await failure(readBlob(archive, layerA.descriptor))).toMatchObject({ code: 'BLOB_NOT_FOUND' });
    });
    await withEntries(without(app.blobs.at(1)!.bytes), async (archive) => {
      expect(await failure(archive.resolve({ tag: 'app', platform: AMD64 }))).toMatchObject({ code: 'BLOB_NOT_FOUND' });
    });
  });

  it('is refused where layers and diff_ids differ in number', async () => {
    const config = imageConfig({ diffIds: [layerA.diffId, layerB.diffId] });
    const broken = { ...app, blobs: [app.blobs.at(0)!, config, layerA] };
    await withEntries(dockerSaveEntries([{ image: broken }], form), async (archive) => {
      expect(await failure(archive.resolve({ platform: AMD64 }))).toMatchObject({ code: 'LAYER_COUNT' });
    });
  });
});

describe('a docker-save archive with compressed layers, as other programs write them', () => {
  it.each(['gzip', 'zstd'] as const)('describes %s by its own digest', async (compression) => {
    const packed = compress(tarA, compression);
    const config = imageConfig({ diffIds: [layerA.diffId] });
    const entries: TarEntry[] = [
      { path: 'some.tar.gz', content: packed },
      { path: `sha256:${config.descriptor.digest.slice(7)}`, content: config.bytes },
      json('manifest.json', [item(config.descriptor.digest, ['x:1'], ['some.tar.gz'])]),
    ];
    await withEntries(entries, async (archive) => {
      const { layers } = await loadImage(archive, { platform: AMD64 });
      const mediaType = `${mediaTypes.layer}+${compression}`;
      expect(layers).toEqual([{ descriptor: { mediaType, digest: digestOf(packed), size: packed.length }, diffId: layerA.diffId }]);
      expect(await readBlob(archive, layers.at(0)!.descriptor)).toEqual(packed);
    });
  });
});

it('reads each file once, however many images there are and whatever they call it', async () => {
  const packed = compress(tarA, 'gzip');
  const config = imageConfig({ diffIds: [layerA.diffId], platform: AMD64 });
  const entries: TarEntry[] = [
    { path: 'layer.gz', content: packed },
    { path: 'config', content: config.bytes },
    { path: 'same', type: 'hardlink', target: 'config' },
    { path: 'same.gz', type: 'symlink', target: 'layer.gz' },
    json(
      'manifest.json',
      [
        item('other', [], []),
        ...Array.from({ length: 500 }, () => [item('config', [], ['layer.gz']), item('same', [], ['same.gz'])]),
      ].flat(),
    ),
    { path: 'other', content: imageConfig({ diffIds: [], platform: ARM64 }).bytes },
  ];
  await withArchive(tar(entries), async (path) => {
    const archive = await openArchive(path);
    const reads: string[] = [];
    const counting: Archive = {
      ...archive,
      read: (name, limit) => (reads.push(name), archive.read(name, limit)),
      chunks: (region, signal) => (reads.push(`${region.size} bytes`), archive.chunks(region, signal)),
    };
    const docker = await dockerArchiveIn(counting, path, undefined);
    expect((await docker.resolve({ platform: AMD64 })).platform).toEqual(AMD64);
    const missing = { ...config.descriptor, digest: `sha256:${'0'.repeat(64)}` };
    expect(await failure(collect(docker.open(missing)))).toMatchObject({ code: 'BLOB_NOT_FOUND' });
    expect(reads).toEqual(['manifest.json', 'other', 'config', `${packed.length} bytes`]);
    await docker.close();
  });
});

describe('a docker-save archive that is an OCI layout too', () => {
  const packed = image({ layers: [tarLayer(tarA, 'gzip')], platform: AMD64 });
  const other = image({ layers: [tarLayer(tarB, 'zstd')], platform: ARM64 });
  const index = imageIndex([
    { image: packed, platform: AMD64 },
    { image: other, platform: ARM64 },
  ]);
  const files = layoutFiles([{ image: index, tag: '1' }]);
  const saved = dockerSaveEntries([{ image: packed, names: ['x:1'] }], 'blobs');
  const missing = new Set(other.blobs.map(({ bytes }) => bytes));
  const rest = Object.entries(files)
    .filter(([path, content]) => !missing.has(content) && !saved.some((entry) => entry.path === path))
    .map(([path, content]): TarEntry => ({ path, content }));

  it('has its own manifests, and the other platforms of an index may be missing', async () => {
    await withEntries([...saved, ...rest], async (archive) => {
      const resolved = await archive.resolve({ tag: 'x:1', platform: AMD64 });
      expect(resolved).toMatchObject({ descriptor: packed.descriptor, raw: packed.bytes, indexDigest: index.descriptor.digest });
      expect(await readBlob(archive, packed.blobs.at(2)!.descriptor)).toEqual(packed.blobs.at(2)!.bytes);
      expect(await failure(archive.resolve({ platform: ARM64 }))).toMatchObject({ code: 'NO_MATCH' });
    });
  });

  it('is refused where the manifest is damaged', async () => {
    const damaged = replaced(rest, packed.bytes, packed.bytes.with(40, 0x20));
    await withEntries([...saved, ...damaged], async (archive) => {
      expect(await failure(archive.resolve({ platform: AMD64 }))).toMatchObject({
        code: 'DIGEST_MISMATCH',
        expected: packed.descriptor.digest,
      });
    });
  });
});

describe('a layer that is kept elsewhere', () => {
  const source = {
    mediaType: mediaTypes.dockerForeignLayerGzip,
    digest: digestOf(tarB),
    size: 77,
    urls: ['https://user:secret@example.com/layer?x=1'],
  };
  const config = imageConfig({ diffIds: [layerA.diffId], platform: AMD64 });
  const entries = [
    { path: 'config.json', content: config.bytes },
    json('manifest.json', [{ ...item('config.json', ['x:1'], ['gone.tar']), LayerSources: { [layerA.diffId]: source } }]),
  ];

  it('is described, and refused by name when it is read', async () => {
    await withEntries(entries, async (archive) => {
      const { layers } = await loadImage(archive, { platform: AMD64 });
      expect(layers.at(0)!.descriptor).toEqual(source);
      const error = await failure(collect(archive.open(source)));
      expect(error).toMatchObject({ code: 'FOREIGN_LAYER', digest: source.digest });
      expect(chain(error)).toContain('https://example.com');
      expect(chain(error)).not.toContain('secret');
    });
  });
});

describe('a manifest.json', () => {
  it.each<[string, unknown]>([
    ['that is no list', {}],
    ['with an item that is no object', ['x']],
    ['without a config', [{ RepoTags: [], Layers: [] }]],
    ['with a path out of the archive', [item('../config.json', [], [])]],
    ['with an absolute path', [item('/config.json', [], [])]],
    ['with a layer out of the archive', [item('c', [], ['a/../../b'])]],
    ['with a name that is no text', [item('c', [1 as never], [])]],
    ['with layers that are no list', [item('c', [], 'x' as never)]],
    ['with a layer source without digest', [{ ...item('c', [], []), LayerSources: { x: { mediaType: 'x', size: 1 } } }]],
    [
      'with a layer source whose digest is a path',
      [{ ...item('c', [], []), LayerSources: { x: { mediaType: 'x', size: 1, digest: 'sha256:../x' } } }],
    ],
  ])('is refused %s', async (_, value) => {
    await withArchive(tar([json('manifest.json', value)]), async (path) => {
      expect(await failure(openDockerArchive(path))).toMatchObject({ name: 'OciDirError', code: 'INVALID_INDEX', path: 'manifest.json' });
    });
  });

  it('is refused with a key twice, without images, and when it is missing', async () => {
    await withArchive(tar([{ path: 'manifest.json', content: '[{"Config":"a","Config":"b"}]' }]), async (path) => {
      expect(await failure(openDockerArchive(path))).toMatchObject({ code: 'INVALID_INDEX', cause: { code: 'DUPLICATE_KEY' } });
    });
    await withEntries([json('manifest.json', [])], async (archive) => {
      expect(await failure(archive.resolve())).toMatchObject({ code: 'EMPTY_INDEX' });
    });
    await withArchive(tar([json('index.json', {})]), async (path) => {
      const error = await failure(openDockerArchive(path));
      expect(error).toMatchObject({ code: 'NO_INDEX' });
      expect(chain(error)).toContain(`oci-archive:${path}`);
    });
  });
});

it('gives a value or a typed error, whichever bytes are changed', async () => {
  const whole = tar(dockerSaveEntries(two, 'legacy'));
  const mutation = record({ at: nat(whole.length - 1), bytes: uint8Array({ minLength: 1, maxLength: 24 }) });
  await withTempDir(async (directory) => {
    const path = join(directory, 'image.tar');
    await assert(
      asyncProperty(array(mutation, { minLength: 1, maxLength: 3 }), async (mutations) => {
        const bytes = Uint8Array.from(whole);
        for (const { at, bytes: other } of mutations) bytes.set(other.subarray(0, whole.length - at), at);
        await writeFile(path, bytes);
        const error = await failure(
          (async () => {
            const archive = await openDockerArchive(path, { tag: 'app' });
            try {
              const { layers } = await loadImage(archive, { platform: AMD64 });
              for (const { descriptor } of layers) await readBlob(archive, descriptor);
            } finally {
              await archive.close();
            }
          })(),
        );
        expect([undefined, 'OciDirError', 'OciSpecError', 'VerifyError']).toContain((error as Error | undefined)?.name);
      }),
      { numRuns: 100 },
    );
  });
});

import {
  blobPath,
  flipBit,
  image as makeImage,
  imageConfig,
  jsonBlob,
  layoutFiles,
  layoutTar,
  tar,
  tarLayer,
  toBlob,
  withTempDir,
} from '@cfskit/fixtures';
import { digestOf, mediaTypes } from '@cfskit/oci-spec';
import { collectingReporter } from '@cfskit/progress';
import { startTestRegistry, type TestRegistry, type TestRegistryOptions } from '@cfskit/registry/testing';
import { readdir, readFile, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openFetcher, type Fetcher, type FetcherOptions, type FetchProgress } from '../src/index.ts';
import { AMD64, amd64, ARM64, arm64, bytesOf, failure, index, layerA, layerB, layerC, stock, tarA, writeArchive } from './images.ts';

interface World {
  readonly registry: TestRegistry;
  readonly fetcher: Fetcher;
  readonly directory: string;
  /** In the registry. */
  readonly name: string;
  readonly warnings: string[];
}

async function withWorld(
  work: (world: World) => Promise<void>,
  options: FetcherOptions & { readonly server?: TestRegistryOptions } = {},
): Promise<void> {
  const { server = {}, ...fetcherOptions } = options;
  await using registry = await startTestRegistry(server);
  stock(registry.repository('team/app'), index, 'v1');
  await withTempDir(async (directory) => {
    const warnings: string[] = [];
    const fetcher = await openFetcher({ onWarning: (text) => warnings.push(text), ...fetcherOptions });
    try {
      await work({ registry, fetcher, directory, name: `${registry.registry}/team/app:v1`, warnings });
    } finally {
      await fetcher.close();
    }
  });
}

const fileOf = (digest: string): string => `${digest.replace(':', '-')}.layer`;
/** Digests of the layers that were asked for. */
const blobRequests = ({ registry }: World): readonly string[] =>
  registry.requests
    .flatMap(({ path }) => /\/blobs\/(.*)$/.exec(path)?.[1] ?? [])
    .filter((digest) => digest !== amd64.blobs.at(1)!.descriptor.digest);

describe('resolve', () => {
  it('gives name, digest, descriptor and manifest', async () => {
    await withWorld(async ({ fetcher, name, registry }) => {
      const image = await fetcher.resolve(name, { platform: AMD64 });
      expect(image).toMatchObject({
        name: `${registry.registry}/team/app:v1`,
        digest: amd64.descriptor.digest,
        descriptor: amd64.descriptor,
        tag: 'v1',
        indexDigest: index.descriptor.digest,
        platform: AMD64,
      });
      expect(image.manifest.raw).toEqual(amd64.bytes);
      expect(image.manifest.item.layers).toHaveLength(3);
    });
  });

  it.each([
    ['team/app', 'latest'],
    ['team/app:v1', 'v1'],
    [`team/app@${amd64.descriptor.digest}`, undefined],
    [`team/app:v1@${amd64.descriptor.digest}`, 'v1'],
  ])('knows the tag of %s', async (name, tag) => {
    await withWorld(async ({ fetcher, registry }) => {
      stock(registry.repository('team/app'), amd64, 'latest');
      expect((await fetcher.resolve(`${registry.registry}/${name}`, { platform: AMD64 })).tag).toBe(tag);
    });
  });

  it('takes references to layouts and archives too, and closes them', async () => {
    await withWorld(async ({ fetcher, directory }) => {
      const path = await writeArchive(join(directory, 'a.tar'), [{ image: amd64, tag: 'reg.io/x:1' }]);
      const resolved = await fetcher.resolve({ transport: 'oci-archive', name: `${path}:reg.io/x:1` }, { platform: AMD64 });
      expect(resolved).toMatchObject({ name: `oci-archive:${path}:reg.io/x:1`, tag: 'reg.io/x:1', digest: amd64.descriptor.digest });
      await fetcher.close();
      expect(await failure(bytesOf(resolved.source.open(layerA.descriptor)))).toMatchObject({ code: 'EBADF' });
    });
  });

  it('tells the platforms there are, and refuses what is no name', async () => {
    await withWorld(async ({ fetcher, name }) => {
      const error = await failure(fetcher.resolve(name, { platform: { os: 'linux', architecture: 's390x' } }));
      expect(error).toMatchObject({ code: 'NO_MATCH' });
      expect((error as Error).message).toContain('available: linux/amd64, linux/arm64');
      expect(await failure(fetcher.resolve('Bad Name'))).toMatchObject({ name: 'OciRefError' });
    });
  });
});

function fail(): never {
  throw new Error('listener');
}

describe('download', () => {
  it('gives layers as files, with readers on each', async () => {
    await withWorld(async (world) => {
      const { fetcher, name, directory } = world;
      const local = await fetcher.download(await fetcher.resolve(name, { platform: AMD64 }), join(directory, 'layers'));
      expect(local.config.raw).toEqual(amd64.blobs.at(1)!.bytes);
      expect(local.config.item?.rootfs.diff_ids).toEqual([layerA, layerB, layerA].map(({ diffId }) => diffId));
      expect(local.layers.map(({ digest }) => digest)).toEqual([layerA, layerB, layerA].map(({ descriptor }) => descriptor.digest));
      expect(local).toMatchObject({ bytesFetched: layerA.bytes.length + layerB.bytes.length, bytesPresent: 0 });
      expect(await bytesOf(local.layers.at(2)!.decompress())).toEqual(tarA);
      expect(await readFile(local.layers.at(1)!.path)).toEqual(Buffer.from(layerB.bytes));
      const names = [layerA, layerB].map(({ descriptor }) => fileOf(descriptor.digest));
      expect((await readdir(join(directory, 'layers'))).toSorted()).toEqual(names.toSorted());
      expect(blobRequests(world).filter((digest) => digest === layerA.descriptor.digest)).toHaveLength(1);
    });
  });

  it('uses what is there and right, and fetches again what is wrong', async () => {
    await withWorld(async (world) => {
      const { fetcher, name, directory } = world;
      const image = await fetcher.resolve(name, { platform: AMD64 });
      await fetcher.download(image, directory);
      const before = blobRequests(world).length;
      const again = await fetcher.download(image, directory);
      expect(again).toMatchObject({ bytesFetched: 0, bytesPresent: layerA.bytes.length + layerB.bytes.length });
      expect(again.layers.map(({ origin }) => origin)).toEqual(['present', 'present', 'present']);
      expect(blobRequests(world)).toHaveLength(before);
      await writeFile(join(directory, fileOf(layerB.descriptor.digest)), flipBit(layerB.bytes, 9));
      const repaired = await fetcher.download(image, directory);
      expect(repaired.layers.map(({ origin }) => origin)).toEqual(['present', 'source', 'present']);
      expect(await readFile(repaired.layers.at(1)!.path)).toEqual(Buffer.from(layerB.bytes));
    });
  });

  it('does not follow a link in place of a layer', async () => {
    await withWorld(async ({ fetcher, name, directory }) => {
      await writeFile(join(directory, 'secret'), layerB.bytes);
      await symlink('secret', join(directory, fileOf(layerB.descriptor.digest)));
      const local = await fetcher.download(await fetcher.resolve(name, { platform: AMD64 }), directory);
      expect(local.layers.at(1)!.origin).toBe('source');
    });
  });

  it('begins with the newest layers', async () => {
    await withWorld(async (world) => {
      const { fetcher, name, directory } = world;
      await fetcher.download(await fetcher.resolve(name, { platform: AMD64 }), directory, { jobs: 1 });
      expect(blobRequests(world).slice(-2)).toEqual([layerA.descriptor.digest, layerB.descriptor.digest]);
    });
  });

  it('tells its phases, and each layer by its place', async () => {
    await withWorld(async ({ fetcher, name, directory }) => {
      const states: FetchProgress[] = [];
      const onProgress = (state: FetchProgress): void => void states.push(state);
      const reporter = collectingReporter();
      const image = await fetcher.resolve(name, { platform: AMD64, onProgress });
      await fetcher.download(image, directory, { onProgress, reporter });
      const phases = states.map(({ phase }) => phase);
      expect(phases.filter((phase, i) => phase !== phases[i - 1])).toEqual([
        'resolving',
        'resolved',
        'config-download',
        'layer-download',
        'complete',
      ]);
      const last = states.at(-1)!.layers;
      expect(last.map(({ index: i, phase, current, total }) => [i, phase, current === total])).toEqual(
        [0, 1, 2].map((i) => [i, 'downloaded', true]),
      );
      expect(last.at(0)!.digest).toBe(last.at(2)!.digest);
      const plan = reporter.events.find(({ type }) => type === 'plan');
      expect(plan).toEqual({ type: 'plan', components: 2, bytesTotal: layerA.bytes.length + layerB.bytes.length, bytesPresent: 0 });
      expect(reporter.events.filter(({ type }) => type === 'done')).toHaveLength(2);
    });
  });

  it('is not disturbed by listeners that throw', async () => {
    await withWorld(async ({ fetcher, name, directory }) => {
      const image = await fetcher.resolve(name, { platform: AMD64, onProgress: fail });
      const local = await fetcher.download(image, directory, { onProgress: fail, reporter: { report: fail } });
      expect(local.layers).toHaveLength(3);
    });
  });

  it('takes an artifact, whose layers have no diff_ids', async () => {
    await withWorld(async ({ fetcher, registry, directory }) => {
      const note = toBlob(new TextEncoder().encode('hello'), 'text/plain');
      const config = toBlob(new TextEncoder().encode('{}'), mediaTypes.empty);
      const manifest = jsonBlob({ schemaVersion: 2, config: config.descriptor, layers: [note.descriptor] }, mediaTypes.manifest);
      stock(registry.repository('notes'), { ...manifest, blobs: [manifest, config, note] }, '1');
      const local = await fetcher.download(await fetcher.resolve(`${registry.registry}/notes:1`), directory);
      expect(local.config).toEqual({ raw: config.bytes });
      expect(local.layers.at(0)!.diffId).toBeUndefined();
      expect(await bytesOf(local.layers.at(0)!.read())).toEqual(note.bytes);
    });
  });
});

/** A repository with a manifest of these members. */
async function withManifest(members: object, work: (world: World) => Promise<void>): Promise<void> {
  await withWorld(async (world) => {
    const manifest = jsonBlob({ schemaVersion: 2, mediaType: mediaTypes.manifest, ...members }, mediaTypes.manifest);
    world.registry.repository('bad').put(manifest.bytes, manifest.descriptor.mediaType, '1');
    await work(world);
  });
}

describe('a download that fails', () => {
  it('writes nothing for a digest that is a path', async () => {
    const layer = { ...layerA.descriptor, digest: 'sha256:../../x' };
    await withManifest({ config: amd64.blobs.at(1)!.descriptor, layers: [layer] }, async ({ fetcher, registry, directory }) => {
      expect(await failure(fetcher.resolve(`${registry.registry}/bad:1`))).toMatchObject({ code: 'INVALID_DIGEST' });
      expect(await readdir(directory)).toEqual([]);
    });
  });

  it('writes nothing for a digest that cannot be checked', async () => {
    const layer = { ...layerA.descriptor, digest: 'md5:0123456789abcdef' };
    const config = imageConfig({ diffIds: [layerA.diffId], platform: AMD64 });
    await withManifest({ config: config.descriptor, layers: [layer] }, async ({ fetcher, registry, directory }) => {
      registry.repository('bad').put(config.bytes);
      const image = await fetcher.resolve(`${registry.registry}/bad:1`, { platform: AMD64 });
      expect(await failure(fetcher.download(image, directory))).toMatchObject({ code: 'UNKNOWN_ALGORITHM' });
      expect(await readdir(directory)).toEqual([]);
    });
  });

  it('says so where layers and diff_ids differ in number', async () => {
    const config = imageConfig({ diffIds: [layerA.diffId], platform: AMD64 });
    await withManifest({ config: config.descriptor, layers: [] }, async ({ fetcher, registry, directory }) => {
      registry.repository('bad').put(config.bytes);
      const image = await fetcher.resolve(`${registry.registry}/bad:1`, { platform: AMD64 });
      expect(await failure(fetcher.download(image, directory))).toMatchObject({ code: 'LAYER_COUNT' });
    });
  });

  it('leaves no file for a layer that is not what its digest says', async () => {
    await withWorld(async ({ fetcher, registry, name, directory }) => {
      registry.repository('team/app').blobs.set(layerB.descriptor.digest, flipBit(layerB.bytes, 9));
      const image = await fetcher.resolve(name, { platform: AMD64 });
      const error = await failure(fetcher.download(image, directory));
      expect(error).toMatchObject({ name: 'VerifyError', code: 'DIGEST_MISMATCH', expected: layerB.descriptor.digest });
      expect(await readdir(directory)).not.toContain(fileOf(layerB.descriptor.digest));
    });
  });

  it('stops the other layers at once', async () => {
    const many = makeImage({ layers: Array.from({ length: 8 }, (_, i) => tarLayer(tar([{ path: `${i}` }]), 'none')), platform: AMD64 });
    await withWorld(async (world) => {
      const { fetcher, registry, directory } = world;
      stock(registry.repository('many'), many, '1');
      registry.repository('many').blobs.delete(many.blobs.at(-2)!.descriptor.digest);
      const picture = await fetcher.resolve(`${registry.registry}/many:1`, { platform: AMD64 });
      expect(await failure(fetcher.download(picture, directory, { jobs: 2 }))).toMatchObject({ code: 'BLOB_UNKNOWN' });
      expect(new Set(blobRequests(world)).size).toBeLessThan(6);
    });
  });

  it('ends with the reason of a signal', async () => {
    await withWorld(async ({ fetcher, name, directory }) => {
      const image = await fetcher.resolve(name, { platform: AMD64 });
      const signal = AbortSignal.abort(new Error('enough'));
      expect(await failure(fetcher.download(image, directory, { signal }))).toBe(signal.reason);
      expect(await failure(fetcher.resolve(name, { signal }))).toBe(signal.reason);
    });
  });
});

describe('a fetcher with seeds', () => {
  const seedFiles = layoutFiles([{ image: amd64, tag: 'v1' }]);

  async function withSeed(
    files: typeof seedFiles,
    work: (world: World) => Promise<void>,
    options: Pick<FetcherOptions, 'offline'> = {},
  ): Promise<void> {
    await withTempDir(async (directory) => {
      const seed = join(directory, 'seed.tar');
      await writeFile(seed, layoutTar(files));
      await withWorld(work, { seeds: [seed], ...options });
    });
  }

  it('asks the network for nothing that is there', async () => {
    await withSeed(seedFiles, async ({ fetcher, registry, name, directory }) => {
      const local = await fetcher.download(await fetcher.resolve(name, { platform: AMD64 }), directory);
      expect(local.layers.map(({ origin }) => origin)).toEqual(['seed', 'seed', 'seed']);
      expect(registry.requests).toEqual([]);
    });
  });

  it('fetches what is missing or wrong', async () => {
    const damaged = { ...seedFiles, [blobPath(layerB.descriptor.digest)]: flipBit(layerB.bytes, 9) };
    await withSeed(damaged, async (world) => {
      const { fetcher, name, directory, warnings } = world;
      const local = await fetcher.download(await fetcher.resolve(name, { platform: AMD64 }), directory);
      expect(local.layers.map(({ origin }) => origin)).toEqual(['seed', 'source', 'seed']);
      expect(warnings).toEqual([expect.stringContaining("taking 'v1'"), expect.stringContaining('digest mismatch')]);
      expect(blobRequests(world)).toEqual([layerB.descriptor.digest]);
    });
  });

  it('says what is missing when it may not ask the network', async () => {
    const { [blobPath(layerB.descriptor.digest)]: _, ...others } = seedFiles;
    await withSeed(
      others,
      async ({ fetcher, registry, name, directory }) => {
        const image = await fetcher.resolve(name, { platform: AMD64 });
        const error = await failure(fetcher.download(image, directory));
        expect(error).toMatchObject({ code: 'OFFLINE', digest: layerB.descriptor.digest });
        expect(await failure(fetcher.resolve('other:1'))).toMatchObject({ code: 'OFFLINE' });
        expect(registry.requests).toEqual([]);
      },
      { offline: true },
    );
  });
});

describe('fetchToLayout', () => {
  it('makes a layout with one tagged image', async () => {
    await withWorld(async ({ fetcher, name, directory }) => {
      const image = await fetcher.resolve(name, { platform: AMD64 });
      const result = await fetcher.fetchToLayout(image, join(directory, 'layout'));
      const config = amd64.blobs.at(1)!;
      expect(result).toMatchObject({
        descriptor: { ...amd64.descriptor, platform: AMD64 },
        configDigest: config.descriptor.digest,
        layers: 3,
        bytesFetched: layerA.bytes.length + layerB.bytes.length + config.bytes.length,
        bytesPresent: 0,
      });
      const local = await fetcher.resolve({ transport: 'oci', name: `${directory}/layout:v1` }, { platform: AMD64 });
      expect(local.digest).toBe(amd64.descriptor.digest);
    });
  });

  it('keeps what is there, and repairs what is wrong', async () => {
    await withWorld(async (world) => {
      const { fetcher, name, directory } = world;
      const image = await fetcher.resolve(name, { platform: AMD64 });
      const { bytesFetched: all } = await fetcher.fetchToLayout(image, directory);
      await truncate(join(directory, blobPath(layerA.descriptor.digest)), 7);
      const before = blobRequests(world).length;
      const again = await fetcher.fetchToLayout(image, directory);
      expect(again).toMatchObject({ bytesFetched: layerA.bytes.length, bytesPresent: all - layerA.bytes.length });
      expect(blobRequests(world).slice(before)).toEqual([layerA.descriptor.digest]);
    });
  });

  it('keeps one blob when only the manifest is wanted', async () => {
    await withWorld(async ({ fetcher, name, directory }) => {
      const image = await fetcher.resolve(name, { platform: ARM64 });
      const result = await fetcher.fetchToLayout(image, directory, { manifestOnly: true, tag: 'other' });
      expect(result).toMatchObject({ bytesFetched: 0, descriptor: { annotations: { 'org.opencontainers.image.ref.name': 'other' } } });
      expect(await readdir(join(directory, 'blobs/sha256'))).toEqual([arm64.descriptor.digest.slice(7)]);
    });
  });

  it('enters no image that is not complete', async () => {
    await withWorld(async ({ fetcher, registry, name, directory }) => {
      registry.repository('team/app').blobs.delete(layerC.descriptor.digest);
      const image = await fetcher.resolve(name, { platform: ARM64 });
      expect(await failure(fetcher.fetchToLayout(image, directory))).toMatchObject({ code: 'BLOB_UNKNOWN' });
      expect(await readdir(directory)).not.toContain('index.json');
    });
  });

  it('goes on where it was cut off', async () => {
    const bytes = Uint8Array.from({ length: 2_000_000 }, (_, i) => (i * 11 + (i >> 7)) & 0xff);
    const large = toBlob(tar([{ path: 'large', content: bytes }]), mediaTypes.layer);
    const config = imageConfig({ diffIds: [large.descriptor.digest], platform: AMD64 });
    const manifest = jsonBlob({ schemaVersion: 2, config: config.descriptor, layers: [large.descriptor] }, mediaTypes.manifest);
    const controller = new AbortController();
    await withWorld(async (world) => {
      const { fetcher, registry, directory } = world;
      stock(registry.repository('large'), { ...manifest, blobs: [manifest, config, large] }, '1');
      const picture = await fetcher.resolve(`${registry.registry}/large:1`, { platform: AMD64 });
      const reporter = {
        report(event: { readonly type: string; readonly fetched?: number }): void {
          if (event.type === 'progress' && (event.fetched ?? 0) > 60_000) controller.abort(new Error('cut off'));
        },
      };
      expect(await failure(fetcher.fetchToLayout(picture, directory, { signal: controller.signal, reporter }))).toBe(
        controller.signal.reason,
      );
      const partial = await readFile(join(directory, `${blobPath(large.descriptor.digest)}.partial`));
      expect(partial.length).toBeGreaterThan(60_000);
      const result = await fetcher.fetchToLayout(picture, directory);
      expect(result.bytesFetched).toBeLessThanOrEqual(large.bytes.length - partial.length + config.bytes.length);
      const { range } = registry.requests.findLast(({ path }) => path.endsWith(large.descriptor.digest))!.headers;
      expect(range).toBe(`bytes=${partial.length}-`);
      expect(digestOf(await readFile(join(directory, blobPath(large.descriptor.digest))))).toBe(large.descriptor.digest);
    });
  });
});

it('uses credentials and retries of a client that is given, and leaves it open', async () => {
  let failures = 1;
  const server: TestRegistryOptions = {
    login: { scheme: 'bearer', username: 'me', password: 'secret' },
    intercept(request, response) {
      if (!request.url!.includes('/blobs/') || failures-- <= 0) return false;
      response.writeHead(503).end();
      return true;
    },
  };
  await withWorld(
    async ({ fetcher, name, directory, warnings }) => {
      const local = await fetcher.download(await fetcher.resolve(name, { platform: ARM64 }), directory);
      expect(local.layers).toHaveLength(1);
      expect(warnings.join(' ')).not.toContain('secret');
    },
    {
      server,
      registry: {
        credentials: async () => await Promise.resolve({ username: 'me', password: 'secret' }),
        retry: { baseDelayMs: 1 },
      },
    },
  );
});

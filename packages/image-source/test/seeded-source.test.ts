import { blobPath, flipBit, layoutFiles, layoutTar } from '@cfskit/fixtures';
import { parseRegistryName } from '@cfskit/oci-ref';
import { digestOf, loadImage, openVerified, type ImageSource } from '@cfskit/oci-spec';
import { imageSourceChecks, type MakeImageSource } from '@cfskit/oci-spec/testing';
import { startTestRegistry } from '@cfskit/registry/testing';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openImageSource, openSeeds, seededSource, type RootedImageSource } from '../src/index.ts';
import { AMD64, amd64, arm64, bytesOf, failure, index, layerA, layerB, stock } from './images.ts';

let scratch: string;
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'seeded-'));
});
afterAll(() => rm(scratch, { recursive: true }));

let count = 0;
async function file(bytes: Uint8Array): Promise<string> {
  const path = join(scratch, `${count++}.tar`);
  await writeFile(path, bytes);
  return path;
}

const make: MakeImageSource = async ({ index: top, blobs }): Promise<ImageSource> => {
  const files = Object.fromEntries([...blobs].map(([digest, bytes]) => [blobPath(digest), bytes]));
  const seeds = await openSeeds([await file(layoutTar({ 'index.json': top, ...files }))]);
  const source = seededSource({ name: parseRegistryName('team/app'), seeds });
  return {
    describe: () => source.describe(),
    resolve: (options) => source.resolve(options),
    open: (descriptor, options) => source.open(descriptor, options),
    close: () => seeds.close(),
  };
};

describe('a source behind seeds, offline', () => {
  it.each(imageSourceChecks(make))('$name', async ({ run }) => expect(await run()).toBeUndefined());

  it('says what is missing', async () => {
    const seeds = await openSeeds([await file(layoutTar(layoutFiles([{ image: amd64, tag: 'other:1' }])))]);
    const source = seededSource({ name: parseRegistryName('reg.io/team/app:v1'), seeds });
    const error = await failure(source.resolve({ platform: AMD64 }));
    expect(error).toMatchObject({ name: 'ImageSourceError', code: 'OFFLINE', reference: 'docker://reg.io/team/app:v1' });
    expect((error as Error).message).toContain('reg.io/team/app:v1');
    const missing = arm64.blobs.at(2)!.descriptor;
    for (const read of [source.open(missing), source.places!().at(-1)!.source.open(missing)]) {
      expect(await failure(bytesOf(read))).toMatchObject({ code: 'OFFLINE', digest: missing.digest });
    }
    await seeds.close();
  });
});

async function withRegistry(
  seed: Uint8Array,
  work: (source: RootedImageSource, requests: () => string[], warnings: string[]) => Promise<void>,
): Promise<void> {
  await using registry = await startTestRegistry();
  stock(registry.repository('team/app'), amd64, 'v1');
  const warnings: string[] = [];
  const seeds = await openSeeds([await file(seed)], { onWarning: (text) => warnings.push(text) });
  const origin = await openImageSource(`docker://${registry.registry}/team/app:v1`);
  const name = parseRegistryName(`${registry.registry}/team/app:v1`);
  const requests = (): string[] =>
    registry.requests.map(({ method, path }) => `${method} ${path}`).filter((text) => !text.endsWith('/v2/'));
  await work(seededSource({ name, seeds, origin }), requests, warnings);
  await origin.close?.();
  await seeds.close();
}

async function readAll(source: RootedImageSource): Promise<readonly string[]> {
  const { resolved, layers } = await loadImage(source, { platform: AMD64 });
  const contents = await Promise.all(layers.map(({ descriptor }) => bytesOf(openVerified(source, descriptor))));
  return [resolved.descriptor.digest, ...contents.map((bytes) => digestOf(bytes))];
}

const pathOf = (digest: string): string => `/v2/team/app/blobs/${digest}`;

/** The seed has a tag and no name. */
const GUESS: unknown = expect.stringContaining("taking 'v1'");

describe('a source behind seeds and before a registry', () => {
  const whole = layoutFiles([{ image: amd64, tag: 'v1' }]);
  const expected = [amd64.descriptor, layerA.descriptor, layerB.descriptor, layerA.descriptor].map(({ digest }) => digest);

  it('asks the network for nothing that the seed has', async () => {
    await withRegistry(layoutTar(whole), async (source, requests) => {
      expect(await readAll(source)).toEqual(expected);
      expect(requests()).toEqual([]);
    });
  });

  it('asks the network for what the seed lacks', async () => {
    const { [blobPath(layerB.descriptor.digest)]: _, ...others } = whole;
    await withRegistry(layoutTar(others), async (source, requests, warnings) => {
      expect(await readAll(source)).toEqual(expected);
      expect(requests()).toEqual([`GET ${pathOf(layerB.descriptor.digest)}`]);
      expect(warnings).toEqual([GUESS]);
    });
  });

  it('asks the network, with a warning, for what the seed has wrong', async () => {
    const path = blobPath(layerB.descriptor.digest);
    await withRegistry(layoutTar({ ...whole, [path]: flipBit(layerB.bytes, 9) }), async (source, requests, warnings) => {
      expect(await readAll(source)).toEqual(expected);
      expect(requests()).toEqual([`GET ${pathOf(layerB.descriptor.digest)}`]);
      expect(warnings).toEqual([GUESS, expect.stringContaining('digest mismatch')]);
    });
  });

  it('asks the network for everything where the seed is of another image, but for the layers they share', async () => {
    const other = layoutFiles([
      { image: arm64, tag: 'other:1' },
      { image: amd64, tag: 'another:1' },
    ]);
    await withRegistry(layoutTar(other), async (source, requests) => {
      expect(await readAll(source)).toEqual(expected);
      expect(requests()).toEqual(['GET /v2/team/app/manifests/v1', `GET ${pathOf(amd64.blobs.at(1)!.descriptor.digest)}`]);
    });
  });

  it('takes what a tag names as a whole from the registry', async () => {
    await withRegistry(layoutTar(layoutFiles([{ image: index, tag: 'v1' }])), async (source) => {
      expect((await source.resolveRoot()).raw).toEqual(amd64.bytes);
    });
  });
});

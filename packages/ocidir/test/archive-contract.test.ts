import {
  compress,
  dirFiles,
  dockerSaveEntries,
  layoutFiles,
  layoutTar,
  sha256,
  tar,
  writeLayout,
  type Blob,
  type Packaged,
} from '@cfskit/fixtures';
import {
  isIndex,
  OciSpecError,
  parseIndex,
  parseManifest,
  type Descriptor,
  type ImageSource,
  type OpenOptions,
  type ResolveOptions,
} from '@cfskit/oci-spec';
import { imageSourceChecks, type MakeImageSource } from '@cfskit/oci-spec/testing';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDirImage, openDockerArchive, openOciArchive } from '../src/index.ts';
import { blobFiles } from './layouts.ts';

type Content = Parameters<MakeImageSource>[0];

let scratch: string;
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'ocidir-contract-'));
});
afterAll(() => rm(scratch, { recursive: true }));

let count = 0;
const next = (): string => join(scratch, String(count++));

async function file(bytes: Uint8Array): Promise<string> {
  const path = next();
  await writeFile(path, bytes);
  return path;
}

function filesOf({ index, blobs }: Content): Record<string, Uint8Array> {
  return { 'oci-layout': new TextEncoder().encode('{"imageLayoutVersion":"1.0.0"}'), 'index.json': index, ...blobFiles(blobs) };
}

const blob = (content: Content, descriptor: Descriptor): Blob => ({ descriptor, bytes: content.blobs.get(descriptor.digest)! });

/** The manifests that carry each tag, indexes replaced by what they name. A damaged manifest is left out. */
function tagged(content: Content): { tag: string; top: Descriptor; image: Packaged }[] {
  return parseIndex(content.index).manifests.flatMap((top) => {
    const tag = top.annotations?.['org.opencontainers.image.ref.name'] ?? '';
    const manifests = isIndex(top.mediaType) ? parseIndex(content.blobs.get(top.digest)!).manifests : [top];
    return manifests.flatMap((descriptor) => {
      const own = blob(content, descriptor);
      if (sha256(own.bytes) !== descriptor.digest) return [];
      const { config, layers } = parseManifest(own.bytes);
      return [{ tag, top, image: { ...own, blobs: [own, blob(content, config), ...layers.map((layer) => blob(content, layer))] } }];
    });
  });
}

const saved = (content: Content) => tagged(content).map(({ tag, image }) => ({ image, names: [`${tag}:latest`] }));

describe.each<[string, MakeImageSource]>([
  ['oci-archive:', async (content) => openOciArchive(await file(layoutTar(filesOf(content))))],
  [
    'oci-archive: with names that begin with ./',
    async (content) => openOciArchive(await file(layoutTar(filesOf(content), { prefix: './' }))),
  ],
  ['oci-archive: in gzip', async (content) => openOciArchive(await file(compress(layoutTar(filesOf(content)), 'gzip')))],
  ['oci-archive: in zstd', async (content) => openOciArchive(await file(compress(layoutTar(filesOf(content)), 'zstd')))],
  [
    'docker-archive: that is a layout too',
    async (content) => {
      const entries = dockerSaveEntries(saved(content), 'blobs');
      const extra = Object.entries(filesOf(content)).filter(([path]) => !entries.some((entry) => entry.path === path));
      return openDockerArchive(await file(tar([...extra.map(([path, bytes]) => ({ path, content: bytes })), ...entries])));
    },
  ],
  ['dir:', async (content) => await directories(content)],
])('%s', (_, make) => {
  it.each(imageSourceChecks(make))('$name', async ({ run }) => expect(await run()).toBeUndefined());
});

// These have no manifests, so nothing can be damaged there, and no index.
const NEEDS_MANIFESTS = new Set(['chooses from a nested index by platform', 'does not resolve to a damaged manifest']);

describe.each(['legacy', 'flat'] as const)('docker-archive: %s', (form) => {
  const make: MakeImageSource = async (content) => openDockerArchive(await file(tar(dockerSaveEntries(saved(content), form))));
  const checks = imageSourceChecks(make);

  it.each(checks.filter(({ name }) => !NEEDS_MANIFESTS.has(name)))('$name', async ({ run }) => expect(await run()).toBeUndefined());

  it('has all checks but two', () => expect(checks.filter(({ name }) => NEEDS_MANIFESTS.has(name))).toHaveLength(2));
});

/** A directory has one image and no tags: one for each tag, and whoever asks for another tag gets what the first one says. */
async function directories(content: Content): Promise<ImageSource> {
  const sources = new Map<string, ImageSource>();
  for (const top of parseIndex(content.index).manifests) {
    const below = isIndex(top.mediaType) ? parseIndex(content.blobs.get(top.digest)!).manifests : [];
    const others = [...content.blobs.keys()].filter((digest) => digest !== top.digest);
    const blobs = others.map((digest) =>
      blob(content, below.find((child) => child.digest === digest) ?? { mediaType: '', digest, size: 0 }),
    );
    const path = next();
    await writeLayout(path, dirFiles({ ...blob(content, top), blobs: [blob(content, top), ...blobs] }));
    sources.set(top.annotations?.['org.opencontainers.image.ref.name'] ?? '', await openDirImage(path));
  }
  const damaged = (digest: string): boolean => !tagged(content).some(({ image }) => image.descriptor.digest === digest);
  return {
    describe: () => sources.get('single')!.describe(),
    async resolve({ tag, ...options }: ResolveOptions = {}) {
      const source = sources.get(tag!);
      if (source === undefined) return await sources.get('single')!.resolve({ tag: tag!, ...options });
      const resolved = await source.resolve(options);
      // manifest.json has no digest to be checked against: damage there is another image
      if (damaged(resolved.descriptor.digest)) throw new OciSpecError('INVALID_DIGEST', 'another image');
      return resolved;
    },
    open: (descriptor: Descriptor, options?: OpenOptions) => sources.get('multi')!.open(descriptor, options),
  };
}

it('describe themselves as the reference that was given, in one line', async () => {
  const path = await file(layoutTar(layoutFiles([])));
  const plain = await openOciArchive(path);
  const tag = await openOciArchive(path, { tag: 'a\nb' });
  expect([plain.describe(), tag.describe()]).toEqual([`oci-archive:${path}`, `oci-archive:${path}:a?b`]);
  await Promise.all([plain.close(), tag.close()]);
});

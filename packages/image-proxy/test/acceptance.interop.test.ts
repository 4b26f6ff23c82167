// The acceptance list of the specification against the skopeo that is installed, and those that CFSKIT_TEST_SKOPEOS names.
import { digestOf, loadImage, mediaTypes, parsePlatform, readBlob, type Descriptor } from '@cfskit/oci-spec';
import { LayoutBuilder } from '@cfskit/oci-spec/testing';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openImageProxy, type OpenImageProxyOptions, type SkopeoImage } from '../src/index.ts';
import { readAll } from './fake/fake-skopeo.ts';
import { writeContent } from './layouts.ts';
import { startRegistry, type RegistryStub } from './registry-stub.ts';
import { isMissing, otherSkopeos, skopeoWays } from './tools.ts';

/** Makes what is read, whatever reads it. */
const MAKER = 'skopeo';
const AMD64 = parsePlatform('linux/amd64');
const ARM64 = parsePlatform('linux/arm64');
const LAYER = 300_000;
const root = mkdtempSync(join(tmpdir(), 'image-proxy-'));
const layout = join(root, 'layout');
const builder = new LayoutBuilder();
const layers = [1, 2, 3].map((seed) => Uint8Array.from({ length: LAYER }, (_, i) => i * seed));
const single = builder.image(
  layers.map((bytes) => ({ bytes })),
  AMD64,
);
const arm64 = builder.image([{ bytes: layers.at(1)! }], ARM64);
const index = builder.index([
  { ...arm64, platform: ARM64 },
  { ...single, platform: AMD64 },
]);
const eight = builder.image(
  [1, 2, 3, 4, 5, 6, 7, 8].map((seed) => ({ bytes: new Uint8Array(2_000_000).fill(seed) })),
  AMD64,
);
builder.add(single, { tag: 'single' }).add(index, { tag: 'multi' }).add(eight, { tag: 'eight' });
const content = builder.content();

const opened: SkopeoImage[] = [];
const registries: RegistryStub[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map((source) => source.close()));
  await Promise.all(registries.splice(0).map((registry) => registry.close()));
  const left = readdirSync(root).filter((name) => name.startsWith('cfskit-'));
  if (left.length > 0) throw new Error(`left behind: ${left.join(' ')}`);
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

function openImage(reference: string, options: OpenImageProxyOptions): SkopeoImage {
  const source = openImageProxy(reference, { tmpdir: root, retry: { baseDelayMs: 1 }, ...options });
  opened.push(source);
  return source;
}

/** The first release whose proxy lists layers: 1.11. */
const LISTS_LAYERS = 11;

/** The second number of a version, which is the first that changes. */
function releaseOf(skopeo: string): number {
  const [, release] = /version 1\.(\d+)\./.exec(execFileSync(skopeo, ['--version'], { encoding: 'utf8' })) ?? [];
  return Number(release);
}

it.skipIf(otherSkopeos.length === 0)('other versions of skopeo, which CFSKIT_TEST_SKOPEOS names, are among those that are tested', () => {
  expect(otherSkopeos.map(releaseOf)).not.toContain(releaseOf(MAKER));
});

async function blobOf(source: SkopeoImage, descriptor: Descriptor): Promise<string> {
  return digestOf(await readBlob(source, descriptor));
}

describe.skipIf(isMissing(MAKER)).each(skopeoWays)('$skopeo, $via', ({ skopeo, via }) => {
  const scratch = mkdtempSync(join(root, 'way-'));
  const open = (reference: string, options: OpenImageProxyOptions = {}): SkopeoImage => openImage(reference, { skopeo, via, ...options });
  beforeAll(() => writeContent(layout, content));

  it('an OCI image', async () => {
    const source = open(`oci:${layout}:single`);
    const { resolved, layers: found } = await loadImage(source);
    expect(resolved).toMatchObject({ descriptor: single, platform: AMD64 });
    for (const { descriptor } of found) expect(await blobOf(source, descriptor)).toBe(descriptor.digest);
    expect(await source.storedLayers(resolved)).toEqual(found.map(({ descriptor }) => descriptor));
  });

  it('an index: the platform that is asked for, and a list of those there are if there is none', async () => {
    const source = open(`oci:${layout}:multi`);
    expect(await source.resolve({ platform: ARM64 })).toMatchObject({ descriptor: { digest: arm64.digest }, platform: ARM64 });
    expect(await source.resolve({ platform: AMD64 })).toMatchObject({ descriptor: { digest: single.digest } });
    const message = 'No manifest found for platform linux/s390x; available: linux/arm64, linux/amd64';
    await expect(source.resolve({ platform: parsePlatform('linux/s390x') })).rejects.toMatchObject({ code: 'NO_MATCH', message });
    await expect(source.resolve({ tag: 'single', platform: ARM64 })).rejects.toMatchObject({ code: 'NO_MATCH' });
  });

  it('a manifest of Docker in a directory: its own bytes and config', async () => {
    const directory = join(scratch, 'v2s2');
    execFileSync(MAKER, ['copy', '-q', '--format', 'v2s2', `oci:${layout}:single`, `dir:${directory}`]);
    const raw = readFileSync(join(directory, 'manifest.json'));
    const source = open(`dir:${directory}`);
    const { resolved, manifest, layers: found } = await loadImage(source);
    expect(resolved.descriptor).toEqual({ mediaType: mediaTypes.dockerManifest, digest: digestOf(raw), size: raw.byteLength });
    expect(await blobOf(source, manifest.config)).toBe(manifest.config.digest);
    for (const { descriptor } of found) expect(await blobOf(source, descriptor)).toBe(descriptor.digest);
  });

  it('a manifest of Docker in a registry, behind an index', async () => {
    const docker = new LayoutBuilder();
    const config = docker.json(
      { ...AMD64, config: {}, rootfs: { type: 'layers', diff_ids: [digestOf(layers.at(0)!)] } },
      mediaTypes.dockerConfig,
    );
    const layer = docker.blob(layers.at(0)!, mediaTypes.dockerLayer);
    const manifest = docker.json(
      { schemaVersion: 2, mediaType: mediaTypes.dockerManifest, config, layers: [layer] },
      mediaTypes.dockerManifest,
    );
    const list = docker.json(
      { schemaVersion: 2, mediaType: mediaTypes.dockerManifestList, manifests: [{ ...manifest, platform: AMD64 }] },
      mediaTypes.dockerManifestList,
    );
    const registry = await startRegistry({
      blobs: docker.content().blobs,
      tags: { '1': list },
      mediaTypes: { [manifest.digest]: manifest.mediaType },
    });
    registries.push(registry);
    const source = open(`docker://${registry.name}:1`, { tlsVerify: false, readIndex: true });
    const image = await loadImage(source, { platform: AMD64 });
    expect(image.resolved).toMatchObject({ descriptor: manifest, indexDigest: list.digest });
    expect(await blobOf(source, image.manifest.config)).toBe(config.digest);
    expect(await blobOf(source, image.layers.at(0)!.descriptor)).toBe(layer.digest);
  });

  it('an archive of Docker: plain tars, whatever it says', async () => {
    const archive = join(scratch, 'saved.tar');
    execFileSync(MAKER, ['copy', '-q', `oci:${layout}:single`, `docker-archive:${archive}:example.org/app:1`]);
    const source = open(`docker-archive:${archive}`);
    const resolved = await source.resolve();
    expect(digestOf(resolved.raw)).toBe(resolved.descriptor.digest);
    const stored = await source.storedLayers(resolved);
    expect(stored).toEqual(layers.map((bytes) => ({ mediaType: mediaTypes.layer, digest: digestOf(bytes), size: LAYER })));
    for (const descriptor of stored) expect(await blobOf(source, descriptor)).toBe(descriptor.digest);
  });

  it.skipIf(process.getuid?.() !== 0)('a containers storage: the manifest that was stored, and layers by their diff_ids', async () => {
    const storage = join(scratch, 'storage');
    const gzipped = new LayoutBuilder();
    const { gzipSync } = await import('node:zlib');
    const tar = new Uint8Array(10_240);
    const bytes = new Uint8Array(gzipSync(tar));
    const image = gzipped.image([{ bytes, mediaType: mediaTypes.layerGzip, diffId: digestOf(tar) }], AMD64);
    gzipped.add(image, { tag: '1' });
    await writeContent(`${storage}-layout`, gzipped.content());
    const reference = `containers-storage:[vfs@${storage}+${storage}-run]example.org/app:1`;
    execFileSync(MAKER, ['copy', '-q', `oci:${storage}-layout:1`, reference]);
    const warnings: string[] = [];
    const source = open(reference, { onWarning: (text) => warnings.push(text) });
    const { resolved, manifest } = await loadImage(source);
    expect(resolved.descriptor).toEqual(image);
    expect(await blobOf(source, manifest.config)).toBe(manifest.config.digest);
    const stored = { mediaType: mediaTypes.layer, digest: digestOf(tar), size: tar.byteLength };
    expect(await source.storedLayers(resolved)).toEqual([stored]);
    expect(await blobOf(source, stored)).toBe(stored.digest);
    const isCopied = warnings.some((text) => text.includes('the image is copied first'));
    expect(isCopied).toBe(via !== 'staging' && releaseOf(skopeo) < LISTS_LAYERS);
  });

  it.each([['damaged'], ['missing'], ['truncated']] as const)('a layer that is %s is found out', async (state) => {
    const directory = join(scratch, state);
    await writeContent(directory, content);
    const digest = digestOf(layers.at(0)!);
    const file = join(directory, 'blobs', digest.replace(':', '/'));
    if (state === 'missing') rmSync(file);
    else writeFileSync(file, state === 'damaged' ? layers.at(1)! : layers.at(0)!.subarray(1));
    const source = open(`oci:${directory}:single`);
    const reading = source.resolve().then(() => readBlob(source, { mediaType: mediaTypes.layer, digest, size: LAYER }));
    await expect(reading).rejects.toThrow(/sha256|digest|no such file/);
  });

  it('a layer that the manifest has in another size is found out', async () => {
    const wrong = new LayoutBuilder();
    const layer = wrong.blob(layers.at(0)!, mediaTypes.layer);
    const config = wrong.json({ ...AMD64, config: {}, rootfs: { type: 'layers', diff_ids: [layer.digest] } }, mediaTypes.config);
    for (const size of [LAYER - 1, LAYER + 1]) wrong.add(wrong.manifest(config, [{ ...layer, size }]), { tag: String(size) });
    const directory = join(scratch, 'sizes');
    await writeContent(directory, wrong.content());
    for (const size of [LAYER - 1, LAYER + 1]) {
      const source = open(`oci:${directory}:${size}`);
      const reading = source.resolve().then(() => readAll(source.open({ ...layer, size })));
      await expect(reading).rejects.toMatchObject({ name: 'ImageProxyError' });
    }
  });

  it('eight layers at once with one thread in the pool', () => {
    const program = fileURLToPath(new URL('read-all-layers.ts', import.meta.url));
    const { stdout, stderr } = spawnSync(process.execPath, ['--conditions=source', program, `oci:${layout}:eight`, via, skopeo], {
      encoding: 'utf8',
      env: { ...process.env, UV_THREADPOOL_SIZE: '1' },
      timeout: 20_000,
    });
    expect({ stdout, stderr }).toEqual({ stdout: 'read 8 layers\n', stderr: '' });
  });

  it('a registry that stops sending is given up, after further tries', async () => {
    const layer = { mediaType: mediaTypes.layer, digest: digestOf(layers.at(0)!), size: LAYER };
    const registry = await startRegistry({ blobs: content.blobs, tags: { '1': single }, stalling: { [layer.digest]: 100_000 } });
    registries.push(registry);
    const source = open(`docker://${registry.name}:1`, {
      tlsVerify: false,
      stallTimeoutMs: 600,
      retry: { attempts: 2, baseDelayMs: 1 },
    });
    const reading = source.resolve().then(() => readAll(source.open(layer)));
    await expect(reading).rejects.toMatchObject({ code: 'STALLED', retryable: true });
    expect(registry.asked.filter((digest) => digest === layer.digest)).toHaveLength(2);
  });

  it('what is not there, in the words of skopeo', async () => {
    const source = open('oci:no-such-layout:1', { cwd: scratch });
    await expect(source.resolve()).rejects.toThrow(/^skopeo.*no-such-layout.*no such file or directory/);
  });
});

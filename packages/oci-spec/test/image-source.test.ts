import { describe, expect, it } from 'vitest';
import { digestOf, loadImage, MAX_JSON_SIZE, mediaTypes, openVerified, readBlob } from '../src/index.ts';
import { LayoutBuilder, memoryImageSource } from '../src/testing/index.ts';
import { collect, json, stream, utf8 } from './bytes.ts';

const blob = utf8('some content');
const descriptor = { mediaType: 'application/octet-stream', digest: digestOf(blob), size: blob.length };

describe('readBlob', () => {
  it('gives a plain array of exactly the content', async () => {
    const source = { open: () => stream([Buffer.from('some '), Buffer.from('content')]) };
    const bytes = await readBlob(source, descriptor);
    expect(bytes).toEqual(blob);
    expect(Object.getPrototypeOf(bytes)).toBe(Uint8Array.prototype);
  });
  it('refuses what is announced as too large before it opens anything', async () => {
    const source = {
      open() {
        throw new Error('opened');
      },
    };
    const tooLarge = { code: 'TOO_LARGE', digest: descriptor.digest };
    await expect(readBlob(source, { ...descriptor, size: Number.MAX_SAFE_INTEGER })).rejects.toMatchObject(tooLarge);
    await expect(readBlob(source, { ...descriptor, size: MAX_JSON_SIZE + 1 })).rejects.toMatchObject(tooLarge);
    await expect(readBlob(source, descriptor, { limit: 11 })).rejects.toMatchObject(tooLarge);
  });
  it.each([
    ['SIZE_MISMATCH', 'some content and more'],
    ['SIZE_MISMATCH', 'some'],
    ['DIGEST_MISMATCH', 'same content'],
  ])('gives %s for %j', async (code, text) => {
    await expect(readBlob({ open: () => stream([utf8(text)]) }, descriptor)).rejects.toMatchObject({ code });
  });
  it('hands the signal on', async () => {
    const { signal } = new AbortController();
    const signals: unknown[] = [];
    const source = {
      open(_: unknown, options?: { signal?: AbortSignal }) {
        signals.push(options?.signal);
        return stream([blob]);
      },
    };
    await readBlob(source, descriptor, { signal });
    await collect(openVerified(source, descriptor, { signal }));
    expect(signals).toEqual([signal, signal]);
  });
});

describe('loadImage', () => {
  const layers = [{ bytes: utf8('first') }, { bytes: utf8('second'), mediaType: mediaTypes.layerGzip, diffId: digestOf(utf8('plain')) }];

  it('pairs layers and diff_ids of an image', async () => {
    const builder = new LayoutBuilder();
    const image = builder.image(layers);
    const loaded = await loadImage(memoryImageSource(builder.add(image, { tag: 'a' }).content()), { tag: 'a' });
    expect(loaded.resolved.descriptor.digest).toBe(image.digest);
    expect(loaded.manifest.raw).toBe(loaded.resolved.raw);
    expect(loaded.config?.architecture).toBe('amd64');
    expect(loaded.config?.raw).toBe(loaded.configRaw);
    expect(loaded.layers).toEqual([
      { descriptor: loaded.manifest.layers[0], diffId: digestOf(utf8('first')) },
      { descriptor: loaded.manifest.layers[1], diffId: digestOf(utf8('plain')) },
    ]);
  });
  it('leaves the config of an artifact as it is', async () => {
    const builder = new LayoutBuilder();
    const artifact = builder.manifest(builder.json({}, mediaTypes.empty), [builder.blob(blob)], { artifactType: 'x/y' });
    const loaded = await loadImage(memoryImageSource(builder.add(artifact, { tag: 'a' }).content()), { tag: 'a' });
    expect(loaded.config).toBeUndefined();
    expect(loaded.configRaw).toEqual(utf8('{}'));
    expect(loaded.layers).toEqual([{ descriptor }]);
  });
  it.each([
    ['LAYER_COUNT', { diff_ids: [descriptor.digest] }],
    ['LAYER_COUNT', { diff_ids: [descriptor.digest, descriptor.digest, descriptor.digest] }],
    ['INVALID_DIGEST', { diff_ids: [descriptor.digest, 'sha256:../../x'] }],
    ['UNKNOWN_ALGORITHM', { diff_ids: [descriptor.digest, 'md5:abc'] }],
    ['INVALID_FIELD', { diff_ids: 'none' }],
  ])('refuses with %s a config of %j', async (code, rootfs) => {
    const builder = new LayoutBuilder();
    const config = builder.json({ architecture: 'amd64', os: 'linux', rootfs: { type: 'layers', ...rootfs } }, mediaTypes.config);
    const image = builder.manifest(config, [descriptor, descriptor]);
    const platform = { architecture: 'amd64', os: 'linux' };
    const source = memoryImageSource(builder.add(image, { platform }).content());
    await expect(loadImage(source)).rejects.toMatchObject({ code });
  });
  it('refuses a damaged config', async () => {
    const builder = new LayoutBuilder();
    const platform = { architecture: 'amd64', os: 'linux' };
    const image = builder.image(layers);
    const { blobs, index } = builder.add(image, { platform }).content();
    const { config } = JSON.parse(new TextDecoder().decode(blobs.get(image.digest))) as { config: { digest: string; size: number } };
    const damaged = new Map(blobs).set(config.digest, json({ x: 'y'.repeat(config.size - 8) }));
    await expect(loadImage(memoryImageSource({ index, blobs: damaged }))).rejects.toMatchObject({
      code: 'DIGEST_MISMATCH',
      expected: config.digest,
    });
  });
});

import { loadImage, openVerified, parsePlatform } from '@cfskit/oci-spec';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { openOciDir } from '../src/index.ts';
import { collect } from './layouts.ts';

interface Expected {
  readonly index: string;
  readonly images: readonly {
    readonly platform: { readonly architecture: string; readonly os: string; readonly variant?: string };
    readonly manifest: string;
    readonly config: string;
    readonly layers: readonly { readonly digest: string; readonly diffId: string; readonly size: number }[];
  }[];
}

const examples = new URL('../../../examples/', import.meta.url);
const expected = JSON.parse(await readFile(new URL('tiny.expected.json', examples), 'utf8')) as Expected;
const layout = await openOciDir(fileURLToPath(new URL('tiny', examples)), { strict: true });

describe('examples/tiny', () => {
  it.each(expected.images)('has $platform.architecture as its makers describe it', async ({ platform, manifest, config, layers }) => {
    const image = await loadImage(layout, { tag: 'latest', platform });
    expect(image.resolved).toMatchObject({ descriptor: { digest: manifest }, indexDigest: expected.index, platform });
    expect(image.manifest.config.digest).toBe(config);
    expect(image.layers).toMatchObject(layers.map(({ digest, size, diffId }) => ({ descriptor: { digest, size }, diffId })));
    for (const { descriptor } of image.layers) await collect(openVerified(layout, descriptor));
  });

  it('lists its tags and platforms', async () => {
    expect(await layout.tags()).toEqual(['latest', 'amd64', 'arm64']);
    expect((await layout.platforms('latest')).map(({ platform }) => platform)).toEqual(expected.images.map(({ platform }) => platform));
  });

  it('gives the same image with and without a tag', async () => {
    const { descriptor } = await layout.resolve({ platform: parsePlatform('linux/amd64') });
    expect(descriptor.digest).toBe(expected.images[0]?.manifest);
  });
});

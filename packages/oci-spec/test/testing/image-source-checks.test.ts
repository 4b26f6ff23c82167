import { describe, expect, it } from 'vitest';
import type { ImageSource } from '../../src/index.ts';
import { imageSourceChecks, memoryImageSource, type SourceContent } from '../../src/testing/index.ts';

/** The in-memory source, spoiled in one way: the checks have to find it. */
const spoiled: [string, (good: ImageSource, content: SourceContent) => Partial<ImageSource>][] = [
  ['describes itself in one line', () => ({ describe: () => 'two\nlines' })],
  ['resolves a tag to a checked manifest', (good) => ({ resolve: async () => ({ ...(await good.resolve()), raw: new Uint8Array(1) }) })],
  [
    'chooses from a nested index by platform',
    (good) => ({
      async resolve(options) {
        const { indexDigest: _, ...rest } = await good.resolve(options);
        return rest;
      },
    }),
  ],
  ['refuses an unknown tag', (good) => ({ resolve: (options) => good.resolve({ ...options, tag: 'single' }) })],
  [
    'refuses an unknown platform and lists those there are',
    (good) => ({ resolve: (options) => good.resolve(options).catch(() => Promise.reject(new Error('no'))) }),
  ],
  [
    'does not resolve to a damaged manifest',
    (good, content) => ({
      async resolve(options) {
        const tags = JSON.parse(new TextDecoder().decode(content.index)) as {
          manifests: { digest: string; size: number; mediaType: string }[];
        };
        return await good.resolve(options).catch(() => ({ descriptor: tags.manifests.at(0)!, raw: new Uint8Array(0) }));
      },
    }),
  ],
  [
    'gives chunks that are never empty',
    (good) => ({
      async *open(descriptor, options) {
        yield new Uint8Array(0);
        yield* good.open(descriptor, options);
      },
    }),
  ],
  [
    'gives chunks that belong to the consumer',
    (_, content) => ({
      async *open(descriptor) {
        yield await Promise.resolve(content.blobs.get(descriptor.digest)!);
      },
    }),
  ],
  [
    'opens a blob lazily and fails on the first chunk',
    (good, content) => ({
      open(descriptor, options) {
        if (!content.blobs.has(descriptor.digest)) throw new Error('too early');
        return good.open(descriptor, options);
      },
    }),
  ],
  ['obeys an aborted signal', (good) => ({ open: (descriptor) => good.open(descriptor) })],
];

describe('the checks find what breaks the contract', () => {
  it.each(spoiled)('%s', async (name, spoil) => {
    const checks = imageSourceChecks((content) => {
      const good = memoryImageSource(content);
      return Promise.resolve({ ...good, ...spoil(good, content) });
    });
    const check = checks.find((candidate) => candidate.name === name);
    await expect(check?.run()).rejects.toBeInstanceOf(Error);
  });
});

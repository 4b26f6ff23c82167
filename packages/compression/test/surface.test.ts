import { expect, it } from 'vitest';

it('exports exactly this', async () => {
  expect(Object.keys(await import('../src/index.ts')).toSorted()).toEqual([
    'CompressionError',
    'backends',
    'createSplitstreamCodec',
    'decode',
    'detectFormat',
    'encode',
    'splitstreamCodec',
    'zstdVersion',
  ]);
});

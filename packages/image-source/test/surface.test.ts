import { expect, it } from 'vitest';

it('exports what the README lists', async () => {
  expect(Object.keys(await import('../src/index.ts')).toSorted()).toEqual([
    'ImageSourceError',
    'LayerFile',
    'copyImage',
    'copyReference',
    'downloadImage',
    'fetchImageToLayout',
    'layerEntries',
    'openFetcher',
    'openImageDestination',
    'openImageSource',
    'openSeeds',
    'parseArchiveRef',
    'seededSource',
  ]);
});

import { expect, it } from 'vitest';

it('exports these names', async () => {
  expect(Object.keys(await import('../src/index.ts')).toSorted()).toEqual([
    'ErofsError',
    'FORMAT_VERSIONS',
    'checkImage',
    'chooseVersion',
    'dumpImage',
    'imageId',
    'openImage',
    'readNode',
    'readObjectIds',
    'readTree',
    'writeImage',
    'writeImageInPieces',
  ]);
});

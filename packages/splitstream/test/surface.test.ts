import { expect, it } from 'vitest';

it('exports exactly this', async () => {
  expect(Object.keys(await import('../src/index.ts')).toSorted()).toEqual([
    'CONTENT_TYPE',
    'SplitstreamError',
    'SplitstreamWriter',
    'detectGeneration',
    'openSplitstream',
    'readContent',
  ]);
});

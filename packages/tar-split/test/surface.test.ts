import { expect, it } from 'vitest';

it('exports these names', async () => {
  expect(Object.keys(await import('../src/index.ts')).toSorted()).toEqual([
    'BLOCK_SIZE',
    'INLINE_CONTENT_MAX',
    'TarSplitError',
    'TarSplitter',
    'readEntries',
    'reconstruct',
    'splitTar',
  ]);
});

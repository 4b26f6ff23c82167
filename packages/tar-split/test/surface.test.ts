import { expect, it } from 'vitest';

it('exports these names', async () => {
  expect(Object.keys(await import('../src/index.ts')).toSorted()).toEqual([
    'BLOCK_SIZE',
    'BlockGatherer',
    'FIELD',
    'INLINE_CONTENT_MAX',
    'TYPE',
    'TarSplitError',
    'TarSplitter',
    'entryType',
    'headerChecksum',
    'paddingOf',
    'readEntries',
    'reconstruct',
    'splitTar',
    'sumBlock',
  ]);
});

import { expect, it } from 'vitest';

it('exports these names and no others', async () => {
  expect(Object.keys(await import('../src/index.ts')).toSorted()).toEqual([
    'ALGORITHMS',
    'BLOCK_SIZE',
    'FsVerityError',
    'FsVerityHasher',
    'KERNEL_ID',
    'LOG_BLOCK_SIZE',
    'algorithmOf',
    'digestLength',
    'formatAlgorithmName',
    'formatObjectId',
    'formatShortAlgorithmName',
    'fsVerityDigest',
    'fsVerityDigestOf',
    'objectPath',
    'parseAlgorithmName',
    'parseHashName',
    'parseObjectId',
    'parseObjectName',
    'parseObjectPath',
    'parseShortAlgorithmName',
  ]);
});

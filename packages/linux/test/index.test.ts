import { expect, it } from 'vitest';

it('exports these names and no others', async () => {
  expect(Object.keys(await import('../src/index.ts')).toSorted()).toEqual([
    'LinuxError',
    'addressOf',
    'capabilities',
    'checkWritable',
    'discardStagingFile',
    'enableVerity',
    'enableVerityOrCopy',
    'enableVerityRetrying',
    'flock',
    'flockAsync',
    'linkFd',
    'linkStagingFile',
    'measureVerity',
    'nativeBlockHash',
    'openLibrary',
    'openStagingFile',
    'openTmpfile',
    'probeDirectory',
    'reflink',
    'reopenReadOnly',
    'syncfs',
    'syncfsAsync',
  ]);
});

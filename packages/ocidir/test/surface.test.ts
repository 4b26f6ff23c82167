import { expect, it } from 'vitest';

it('exports what the README lists', async () => {
  expect(Object.keys(await import('../src/index.ts')).toSorted()).toEqual([
    'OciDirError',
    'fetchBlobFile',
    'openDirImage',
    'openDirImageWriter',
    'openDockerArchive',
    'openImageArchive',
    'openOciArchive',
    'openOciArchiveWriter',
    'openOciDir',
    'openOciLayoutWriter',
  ]);
});

import { expect, it } from 'vitest';

it('exports this and nothing else', async () => {
  expect(Object.keys(await import('../src/index.ts')).toSorted()).toEqual([
    'LocalObjectStore',
    'RepositoryError',
    'checkContentId',
    'checkRefName',
    'createStreamWriter',
    'effectiveFormats',
    'ensureRepository',
    'formatFinding',
    'formatFsckReport',
    'formatGcResult',
    'formatMetadata',
    'formatsToMake',
    'fsckJson',
    'gcJson',
    'initRepository',
    'newMetadata',
    'objectStoreModule',
    'openRepository',
    'parseMetadata',
    'resetRepository',
    'storeStream',
  ]);
  expect(Object.keys(await import('../src/testing.ts')).toSorted()).toEqual(['MemoryObjectStore', 'objectStoreChecks']);
});

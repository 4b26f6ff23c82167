import { expect, it } from 'vitest';

it('exports exactly these names', async () => {
  expect(Object.keys(await import('../src/index.ts')).toSorted()).toEqual([
    'BlobVerifier',
    'MAX_JSON_SIZE',
    'OciSpecError',
    'REF_NAME_ANNOTATION',
    'VerifyError',
    'appendBlob',
    'chooseManifest',
    'createHash',
    'diffIds',
    'digestAlgorithm',
    'digestOf',
    'forEachLimited',
    'formatPlatform',
    'hash',
    'hashBlobFile',
    'hashHex',
    'isDigest',
    'isImageConfig',
    'isIndex',
    'isManifest',
    'layerFormat',
    'loadImage',
    'matchesPlatform',
    'mediaTypes',
    'nativePlatform',
    'openVerified',
    'parseDescriptor',
    'parseDigest',
    'parseImageConfig',
    'parseIndex',
    'parseJson',
    'parseManifest',
    'parsePlatform',
    'platformRank',
    'readBlob',
    'tagsOf',
    'verified',
  ]);
});

it('exports exactly these names for tests', async () => {
  expect(Object.keys(await import('../src/testing/index.ts')).toSorted()).toEqual([
    'LayoutBuilder',
    'MissingBlobError',
    'imageSourceChecks',
    'memoryImageSource',
  ]);
});

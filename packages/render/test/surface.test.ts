import { expect, it } from 'vitest';

it('exports these names', async () => {
  expect(Object.keys(await import('../src/index.ts')).toSorted()).toEqual([
    'RenderError',
    'StreamingPacker',
    'composefsTree',
    'convert',
    'convertDir',
    'convertDumpfile',
    'convertErofs',
    'convertLayers',
    'convertSquashfs',
    'convertTar',
    'extractTree',
    'fileLayer',
    'isClean',
    'loadRenderImage',
    'openImageDirectory',
    'parseCreated',
    'verify',
  ]);
});

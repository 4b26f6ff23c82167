import { expect, it } from 'vitest';

it('exports these names', async () => {
  expect(Object.keys(await import('../src/index.ts')).toSorted()).toEqual(['ImageProxyError', 'openImageProxy']);
});

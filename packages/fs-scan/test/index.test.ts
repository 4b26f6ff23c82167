import { expect, it } from 'vitest';

it('exports these names and no others', async () => {
  expect(Object.keys(await import('../src/index.ts')).toSorted()).toEqual(['FsScanError', 'scanDirectory']);
});

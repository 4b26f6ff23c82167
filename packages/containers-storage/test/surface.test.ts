import { expect, it } from 'vitest';

it('exports these names', async () => {
  expect(Object.keys(await import('../src/index.ts'))).toEqual(['ContainersStorageError', 'openContainersStorage']);
});

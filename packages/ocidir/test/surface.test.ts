import { expect, it } from 'vitest';

it('exports what the README lists', async () => {
  expect(Object.keys(await import('../src/index.ts'))).toEqual(['OciDirError', 'openOciDir', 'openOciLayoutWriter']);
});

import { describe, expect, it } from 'vitest';
import { imageSourceChecks, memoryImageSource } from '../../src/testing/index.ts';

describe('the in-memory source keeps the contract of ImageSource', () => {
  it.each(imageSourceChecks((content) => Promise.resolve(memoryImageSource(content))))('$name', async ({ run }) => {
    await expect(run()).resolves.toBeUndefined();
  });
});

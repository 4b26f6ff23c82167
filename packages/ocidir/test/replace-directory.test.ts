import { withTempDir } from '@cfskit/fixtures';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

describe.each(['koffi', 'fallbacks'])('a directory that gets the name of another, by %s', (means) => {
  beforeEach(() => {
    vi.resetModules(); // how system calls are made is decided at the first
    vi.stubEnv('CFSKIT_NO_KOFFI', means === 'koffi' ? '' : '1');
  });
  afterEach(() => vi.unstubAllEnvs());

  it.each([
    ['nothing', undefined],
    ['an empty one', []],
    ['a full one', ['old']],
  ])('replaces %s, and tells where that is', async (_, before) => {
    const { replaceDirectory } = await import('../src/replace-directory.ts');
    await withTempDir(async (directory) => {
      const [next, target, aside] = ['next', 'target', 'aside'].map((name) => join(directory, name)) as [string, string, string];
      await mkdir(next);
      await writeFile(join(next, 'new'), '');
      if (before !== undefined) await mkdir(target);
      for (const name of before ?? []) await writeFile(join(target, name), '');
      const old = await replaceDirectory(next, target, aside);
      expect(await readdir(target)).toEqual(['new']);
      expect(old).toBe(before?.length === 1 ? (means === 'koffi' ? next : aside) : undefined);
      expect(old === undefined ? [] : await readdir(old)).toEqual(before ?? []);
    });
  });

  it('leaves everything where it was when it fails', async () => {
    const { replaceDirectory } = await import('../src/replace-directory.ts');
    await withTempDir(async (directory) => {
      const target = join(directory, 'target');
      await mkdir(target);
      await writeFile(join(target, 'old'), '');
      await expect(replaceDirectory(join(directory, 'missing'), target, join(directory, 'aside'))).rejects.toMatchObject({
        code: 'ENOENT',
      });
      expect(await readdir(directory)).toEqual(['target']);
      expect(await readdir(target)).toEqual(['old']);
    });
  });
});

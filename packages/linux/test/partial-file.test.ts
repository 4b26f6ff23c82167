import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { hasProgram } from '../src/helper.ts';
import { load, MEANS, useDirectory } from './means.ts';

// Without flock(1) there is no fallback to test; flock.interop.test.ts sees to it that CI has it.
const means = MEANS.filter((name) => name === 'koffi' || hasProgram('flock'));

describe.each(means)('a partial file, locked by %s', async (name) => {
  const { openPartialFile } = await load(name);
  const directory = useDirectory();
  const place = (): string => join(directory(), 'blob.partial');

  it('goes on with what is there', async () => {
    writeFileSync(place(), 'left');
    const file = await openPartialFile(place());
    expect(file).toMatchObject({ path: place(), isLasting: true });
    await file.handle.write('more', 4);
    await file.handle.close();
    expect(readFileSync(place(), 'latin1')).toBe('leftmore');
  });

  it('is another one, empty, while somebody has it, even after that one has been renamed', async () => {
    const first = await openPartialFile(place());
    await first.handle.write('first');
    const second = await openPartialFile(place());
    expect(second.isLasting).toBe(false);
    expect(basename(second.path)).toMatch(/^\.tmp-/);
    expect((await second.handle.stat()).size).toBe(0);
    renameSync(first.path, join(directory(), 'blob'));
    const third = await openPartialFile(place());
    expect(third).toMatchObject({ path: place(), isLasting: true });
    await third.handle.write('third');
    await Promise.all([first, second, third].map(({ handle }) => handle.close()));
    expect(readFileSync(join(directory(), 'blob'), 'latin1')).toBe('first');
  });

  it.each<[string, (path: string) => unknown]>([
    ['a link', (path) => symlinkSync('victim', path)],
    ['a directory', (path) => mkdirSync(path)],
    ['a FIFO', (path) => spawnSync('mkfifo', [path])],
  ])('is not opened in place of %s', async (_, make) => {
    make(place());
    await expect(openPartialFile(place())).rejects.toMatchObject({ name: 'LinuxError', code: 'EEXIST', path: place() });
    expect(readdirSync(directory())).toEqual(['blob.partial']);
  });
});

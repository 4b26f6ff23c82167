import { execFileSync } from 'node:child_process';
import { chmod, mkdtemp, readFile, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createOutputFile } from '../src/output-file.ts';

let dir = '';
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'output-file-'));
});
afterEach(() => rm(dir, { recursive: true }));

it('shows nothing under the name before commit, and leaves no other file', async () => {
  const path = join(dir, 'out');
  const file = await createOutputFile(path);
  await file.write('one ');
  await expect(readFile(path)).rejects.toMatchObject({ code: 'ENOENT' });
  await file.write(new TextEncoder().encode('two'));
  await file.commit();
  await file.discard();
  expect(await readFile(path, 'utf8')).toBe('one two');
  expect(await readdir(dir)).toEqual(['out']);
});

it('removes the part when discarded, and keeps what was there before', async () => {
  const path = join(dir, 'out');
  await writeFile(path, 'old');
  const file = await createOutputFile(path);
  await file.write('new');
  await file.discard();
  expect(await readFile(path, 'utf8')).toBe('old');
  expect(await readdir(dir)).toEqual(['out']);
});

it('keeps the mode of the file it replaces', async () => {
  const path = join(dir, 'out');
  await writeFile(path, 'old');
  await chmod(path, 0o640);
  const file = await createOutputFile(path);
  await file.commit();
  expect((await stat(path)).mode & 0o777).toBe(0o640);
});

it.each(['n'.repeat(255), '\u20ac'.repeat(85)])('may have the longest name that there is: %s', async (name) => {
  const file = await createOutputFile(join(dir, name));
  await file.commit();
  expect(await readdir(dir)).toEqual([name]);
});

it('replaces the file that a symbolic link names', async () => {
  await writeFile(join(dir, 'real'), 'old');
  await symlink('real', join(dir, 'link'));
  const file = await createOutputFile(join(dir, 'link'));
  await file.write('new');
  await file.commit();
  expect(await readFile(join(dir, 'real'), 'utf8')).toBe('new');
  expect((await readdir(dir)).toSorted()).toEqual(['link', 'real']);
});

it('writes straight to what is no regular file', async () => {
  const file = await createOutputFile('/dev/null');
  await file.write('gone');
  await file.commit();
  expect((await stat('/dev/null')).isCharacterDevice()).toBe(true);

  const fifo = join(dir, 'fifo');
  execFileSync('sh', ['-c', 'mkfifo "$0"', fifo]);
  const text = readFile(fifo, 'utf8');
  const end = await createOutputFile(fifo);
  await end.write('through');
  await end.commit();
  expect(await text).toBe('through');
  expect(await readdir(dir)).toEqual(['fifo']);
});

it('fails before anything exists where it cannot write', async () => {
  const path = join(dir, 'missing/out');
  const message = `ENOENT: no such file or directory, open '${path}'`;
  await expect(createOutputFile(path)).rejects.toMatchObject({ code: 'ENOENT', path, message });
});

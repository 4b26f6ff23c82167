import { chmod, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { withTempDir } from '@cfskit/fixtures';
import { describe, expect, it } from 'vitest';
import { convertSquashfs, convertTar } from '../src/index.ts';
import { partialFile } from '../src/partial-file.ts';
import { failureOf, imageOf, withPath } from './support/images.ts';
import { layer } from './support/layer-builder.ts';
import { asNobody, needs } from './support/programs.ts';

const IMAGE = imageOf(layer().file('f', 'x'));

describe('a file that appears when it is complete', () => {
  it.each([0o600, 0o664, 0o755])('has the mode of the one that it replaces, %o, from its beginning', async (mode) => {
    await withPath(async (to) => {
      await writeFile(to, 'old');
      await chmod(to, mode);
      const file = await partialFile(to);
      const handle = await file.create();
      expect((await stat(file.partialPath)).mode & 0o777).toBe(mode);
      await file.commit(handle);
      expect((await stat(to)).mode & 0o777).toBe(mode);
    });
  });

  it.runIf(needs('mksquashfs'))('so do squashfs images', async () => {
    await withPath(async (to, directory) => {
      await writeFile(to, 'old', { mode: 0o600 });
      await convertSquashfs(IMAGE, to);
      expect([(await stat(to)).mode & 0o777, (await readFile(to)).subarray(0, 4).toString()]).toEqual([0o600, 'hsqs']);
      expect(await readdir(directory)).toEqual(['out']);
    });
  });

  it('a program that writes nothing into it has failed', async () => {
    await withPath(async (to, directory) => {
      const binpath = join(directory, 'mksquashfs');
      await writeFile(binpath, '#!/bin/sh\ncat > /dev/null\n', { mode: 0o755 });
      await writeFile(to, 'old');
      expect(await failureOf(convertSquashfs(IMAGE, to, { binpath }))).toMatchObject({ code: 'PROGRAM_FAILED' });
      expect([await readFile(to, 'utf8'), (await readdir(directory)).toSorted()]).toEqual(['old', ['mksquashfs', 'out']]);
    });
  });

  it.each([
    ['one byte each', 'n'.repeat(255)],
    ['three bytes each', '\u20ac'.repeat(85)],
    ['one byte, then two each', `n${'\u00e9'.repeat(127)}`],
  ])('may have the longest name that there is: %s', async (_, name) => {
    await withTempDir(async (directory) => {
      await convertTar(IMAGE, join(directory, name));
      expect(await readdir(directory)).toEqual([name]);
    });
  });

  it('may be in a directory that this user must not list', async () => {
    await withTempDir(async (directory) => {
      await chmod(directory, 0o755);
      const closed = join(directory, 'closed');
      await mkdir(closed);
      await chmod(closed, 0o333);
      const { bytes } = await asNobody(() => convertTar(IMAGE, join(closed, 'out')));
      await chmod(closed, 0o755);
      expect((await stat(join(closed, 'out'))).size).toBe(bytes);
    });
  });
});

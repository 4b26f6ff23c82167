import { lstatSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { hasXattrs, LARGE, LARGE_PATH } from './directory-fixture.ts';
import { document, failure, json, ok, run, scratch } from './harness.ts';
import { storeDirectory, type StoredDirectory } from './image-fixture.ts';
import { storeSample } from './stored-fixture.ts';

const path = scratch();
const below = (directory: string): string[] => readdirSync(directory, { recursive: true }).map(String).toSorted();
const NOTHING = { owners_skipped: 0, xattrs_skipped: 0, devices_skipped: 0, links_copied: 0, times_rounded: 0 };

describe.runIf(hasXattrs)('extract', () => {
  let stored: StoredDirectory;
  beforeAll(async () => {
    stored = await storeDirectory(path());
  });

  it('makes the directory again', async () => {
    expect(await ok(['extract', '--repo', stored.repo, 'os', '/', '--output', 'all'], { cwd: path() })).toBe('');
    const { stdout } = await run(['diff', '--no-repo', stored.root, path('all'), '--json', '-q']);
    const {
      only_in_a: onlyInA,
      only_in_b: onlyInB,
      differences,
    } = document('diff', stdout) as Record<string, { path: string; field: string }[]>;
    expect(onlyInA).toEqual([{ path: '/run/lock', type: 'directory' }]);
    expect(onlyInB).toEqual([]);
    expect(differences?.map(({ path: name, field }) => [name, field])).toEqual([
      ['/', 'mode'],
      ['/etc/small', 'xattr'],
    ]);
  });

  it('extracts what is asked for, and tells what was left out', async () => {
    const argv = ['extract', '--repo', stored.repo, 'refs/os', 'usr/bin', '/etc/small', '-o', path('some')];
    expect(await json('extract', argv)).toEqual({ report: NOTHING });
    expect(below(path('some'))).toEqual(['etc', 'etc/small', 'usr', 'usr/bin', 'usr/bin/tool', 'usr/bin/tool-link']);
    expect(readFileSync(path('some/usr/bin/tool')).equals(LARGE)).toBe(true);
    expect(lstatSync(path('some/usr/bin/tool')).nlink).toBe(2);
  });

  it('wants an empty directory, or --merge', async () => {
    mkdirSync(path('full'));
    writeFileSync(path('full/file'), '');
    const argv = ['extract', '--repo', stored.repo, 'os', '/etc', '-o', path('full')];
    expect((await failure(argv)).error.code).toBe('TARGET_NOT_EMPTY');
    await ok([...argv, '--merge']);
    expect(readdirSync(path('full')).toSorted()).toEqual(['etc', 'file']);
  });

  it('fails on an object that is not what its id says', async () => {
    const mine = await storeDirectory(path());
    const object = join(mine.repo, 'objects', LARGE_PATH.sha512);
    rmSync(object);
    writeFileSync(
      object,
      LARGE.map((byte) => byte ^ 1),
    );
    expect((await failure(['extract', '--repo', mine.repo, 'os', '/', '-o', path('damaged')])).error.code).toBe('CORRUPT_OBJECT');
    rmSync(object);
    expect((await failure(['extract', '--repo', mine.repo, 'os', '/', '-o', path('missing')])).error.code).toBe('NOT_FOUND');
  });

  it('takes objects of an image file from --basedir', async () => {
    await ok(['mkcomposefs', '--digest-store=store', stored.root, 'image.cfs'], { cwd: path() });
    await ok(['extract', '--no-repo', './image.cfs', '/usr/bin', '--basedir=store', '--output=from-file'], { cwd: path() });
    expect(readFileSync(path('from-file/usr/bin/tool')).equals(LARGE)).toBe(true);
  });

  it.each([
    [['extract', 'os'], 'missing PATH...'],
    [['extract', 'os', '/'], 'missing --output DIR'],
    [['extract', 'os', '/', '-o', 'x', '--owner', 'root'], 'preserve, ignore, require'],
  ])('%j is wrong usage', async (argv, message) => {
    const ended = await run([...argv, '--repo', stored.repo]);
    expect(ended).toMatchObject({ code: 2, stdout: '' });
    expect(ended.stderr).toContain(message);
  });

  it('knows the paths of the image only', async () => {
    expect((await failure(['extract', '--repo', stored.repo, 'os', '/none', '-o', path('none')])).error.code).toBe('NOT_FOUND');
    expect((await failure(['extract', '--repo', stored.repo, 'os', '/usr/../etc', '-o', path('none')])).error.code).toBe('INVALID_PATH');
  });
});

it('a device that this user may not make is counted, with a warning', async () => {
  const { repo } = await storeSample(path(), { extra: { path: 'usr/null', type: 'char', device: [1, 3] } });
  const { code, stdout, stderr } = await run([
    'extract',
    '--repo',
    repo,
    'demo',
    '/usr',
    '--json',
    '-o',
    path('devices'),
    '--owner=ignore',
  ]);
  const { report } = document('extract', stdout) as { report: typeof NOTHING };
  const made = lstatSync(path('devices/usr/null'), { throwIfNoEntry: false }) !== undefined;
  expect({ code, report }).toEqual({ code: 0, report: { ...NOTHING, devices_skipped: made ? 0 : 1 } });
  expect(stderr).toBe(made ? '' : 'cfskit: warning: not as in the image: 1 device left out\n');
});

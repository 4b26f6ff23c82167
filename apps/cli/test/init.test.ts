import { mkdir, readFile, readdir, stat, writeFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { failure, json, ok, run, scratch } from './harness.ts';

const path = scratch();

it('makes a repository and its parents, and says so as cfsctl does', async () => {
  const repo = path('a', 'b', 'repo');
  expect(await ok(['init', '--insecure', repo])).toBe(
    `Initialized composefs repository at ${repo}\n  algorithm: fsverity-sha512-12\n  verity:    not required (insecure)\n`,
  );
  expect((await stat(repo)).mode & 0o777).toBe(0o700);
  expect(await readdir(repo)).toEqual(['meta.json']);
  expect(await ok(['init', '--insecure', repo])).toBe(`Repository already initialized at ${repo}\n`);
  expect(await ok(['--repo', repo, 'init', '--insecure'])).toBe(`Repository already initialized at ${repo}\n`);
});

it('says everything in JSON', async () => {
  const repo = path('json');
  const argv = ['init', '--insecure', '--algorithm', 'fsverity-sha256-12', '--erofs-version', '2', repo];
  const result = { path: repo, status: 'Created', algorithm: 'fsverity-sha256-12', insecure: true, erofs_formats: [2] };
  expect(await json('init', argv)).toEqual(result);
  expect(await json('init', argv)).toEqual({ ...result, status: 'Opened' });
});

it('takes the place from the world: relative paths, CFSKIT_REPO, HOME', async () => {
  await ok(['init', '--insecure', 'relative'], { cwd: path() });
  expect(await readdir(path('relative'))).toEqual(['meta.json']);
  await ok(['init', '--insecure'], { cwd: path(), env: { CFSKIT_REPO: 'from-env' } });
  expect(await readdir(path('from-env'))).toEqual(['meta.json']);
  await ok(['init', '--insecure', '--user'], { env: { HOME: path('home'), CFSKIT_REPO: '/nowhere' } });
  expect(await readdir(path('home', '.var', 'lib', 'composefs'))).toEqual(['meta.json']);
});

it('refuses another configuration, unless --ensure', async () => {
  const repo = path('conflict');
  await ok(['init', '--insecure', '--erofs-version=2', repo]);
  const { code, error } = await failure(['init', '--insecure', repo]);
  expect(code).toBe(1);
  expect(error.code).toBe('CONFLICTING_CONFIGURATION');
  expect(error.message).toContain('erofs_version: V2');
  expect(await ok(['init', '--insecure', '--ensure', repo])).toBe(
    `Repository already initialized at ${repo} (existing configuration preserved)\n`,
  );
});

it('needs fs-verity unless --insecure, and removes what it made', async () => {
  const { code, error } = await failure(['init', path('secure', 'deep', 'repo')]);
  expect({ code, errorCode: error.code }).toEqual({ code: 1, errorCode: 'VERITY_UNSUPPORTED' });
  expect(error.message).toContain('--insecure');
  expect(await readdir(path())).not.toContain('secure');
});

it('upgrades a repository without meta.json with --ensure', async () => {
  const repo = path('old');
  const id = 'ab'.repeat(64);
  await mkdir(`${repo}/objects/ab`, { recursive: true });
  await writeFile(`${repo}/objects/ab/${id.slice(2)}`, 'x');
  expect(await ok(['init', '--insecure', '--ensure', repo])).toBe(`Upgraded legacy repository at ${repo}\n`);
  expect(await readFile(`${repo}/meta.json`, 'utf8')).toContain('fsverity-sha512-12');
});

it('starts over with --reset-metadata, keeping the objects', async () => {
  const repo = path('reset');
  await ok(['init', '--insecure', repo]);
  await mkdir(`${repo}/streams`);
  await mkdir(`${repo}/objects`);
  expect(await json('init', ['init', '--insecure', '--reset-metadata', '--algorithm=fsverity-sha256-12', repo])).toMatchObject({
    status: 'Created',
    algorithm: 'fsverity-sha256-12',
  });
  expect((await readdir(repo)).toSorted()).toEqual(['meta.json', 'objects']);
});

it.each([
  [['init', '--ensure', '--reset-metadata', 'x'], '--reset-metadata and --ensure exclude each other'],
  [['init', '--user', 'x'], 'PATH and --user exclude each other'],
  [['init', ''], 'PATH: the path is empty'],
  [['init', '--algorithm', 'md5'], 'is invalid'],
  [['init', '--algorithm=fsverity-sha256-12', '--hash=sha512', 'x'], 'exclude each other'],
  [['init', '--user'], '$HOME must be set'],
  [['init', '--no-repo'], '--no-repo'],
])('refuses %j', async (argv, message) => {
  const ended = await run(argv, { cwd: path(), env: {} });
  expect(ended).toMatchObject({ code: 2, stdout: '' });
  expect(ended.stderr).toContain(message);
});

it('prints a path with a newline on one line', async () => {
  const repo = path('new\nline');
  expect((await ok(['init', '--insecure', repo])).split('\n')).toHaveLength(4);
});

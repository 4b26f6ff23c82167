import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { hasXattrs, makeRoot } from './directory-fixture.ts';
import { json, ok, scratch } from './harness.ts';

vi.setConfig({ testTimeout: 60_000 }); // processes of their own, on machines that may be busy
const path = scratch();
const hasCfsctl = spawnSync('cfsctl', ['--version']).status === 0;
/** Without our own programs of the same names. */
const env = {
  ...process.env,
  PATH: process.env['PATH']
    ?.split(':')
    .filter((directory) => !directory.includes('node_modules'))
    .join(':'),
};
/** The program of composefs 1.0, not that of composefs-rs. */
const hasMkcomposefs = (spawnSync('mkcomposefs', [], { env, encoding: 'utf8' }).stderr ?? '').startsWith('No source path specified');
let root = '';

beforeAll(() => {
  root = path('root');
  mkdirSync(root);
  makeRoot(root);
});

/** Everything below a directory. */
function names(directory: string): string[] {
  return readdirSync(directory, { recursive: true }).map(String).toSorted();
}

function cfsctl(...args: readonly string[]): string {
  return execFileSync('cfsctl', args, { encoding: 'utf8' });
}

describe.runIf(hasCfsctl && hasXattrs)('cfsctl', () => {
  const settings = ['0', '1', '2'].flatMap((version) =>
    ['sha256', 'sha512'].flatMap((hash) =>
      [[], ['--xattrs', 'keep-user-xattrs'], ['--no-propagate-usr-to-root']].map((fs) => ({
        general: ['--hash', hash, '--erofs-version', version],
        fs,
      })),
    ),
  );

  it.each(settings)('gives the same id: $general $fs', async ({ general, fs }) => {
    expect(await ok(['compute-id', '-q', '--no-repo', ...general, ...fs, root])).toBe(
      cfsctl('--no-repo', ...general, 'compute-id', ...fs, root),
    );
  });

  it('prints the same dumpfile', async () => {
    expect(await ok(['create-dumpfile', '-q', '--no-repo', root])).toBe(cfsctl('--no-repo', 'create-dumpfile', root));
  });

  it('makes the same repository, and reads ours', async () => {
    const [ours, theirs] = [path('ours'), path('theirs')];
    await ok(['init', '--insecure', ours]);
    cfsctl('--repo', theirs, 'init', '--insecure');
    expect(await ok(['create-image', '-q', '--repo', ours, root, 'os'])).toBe(cfsctl('--repo', theirs, 'create-image', root, 'os'));
    expect(names(ours)).toEqual(names(theirs));
    expect(cfsctl('--repo', ours, 'fsck')).toBe(await ok(['fsck', '-q', '--repo', ours]));
    for (const argv of [
      ['image-objects', 'refs/os'],
      ['dump-files', 'refs/os', '/usr/bin', '/usr/sh'],
      ['dump-files', '--backing-path-only', 'refs/os', '/etc/small', '/usr/bin/tool'],
    ]) {
      expect(await ok([...argv, '--repo', theirs])).toBe(cfsctl('--repo', ours, ...argv));
    }
    expect(await json('images', ['images', '--repo', theirs])).toEqual(JSON.parse(cfsctl('--repo', ours, 'images', '--json')));
  });

  it('takes the images that we take', async () => {
    const repo = path('imports');
    await ok(['init', '--insecure', repo]);
    await ok(['create-image', '-q', '--repo', repo, root, 'os']);
    const [{ digest }] = ((await json('images', ['images', '--repo', repo])) as { images: [{ digest: string }] }).images;
    const image = readFileSync(join(repo, 'images', digest));
    const theirs = execFileSync('cfsctl', ['--repo', repo, 'import-image', 'theirs'], { input: image, encoding: 'utf8' });
    expect(await ok(['import-image', '-q', 'ours', '--repo', repo], { stdin: [image] })).toBe(theirs);
  });
});

describe.runIf(hasMkcomposefs && hasXattrs)('mkcomposefs of composefs 1.0', () => {
  it.each([[], ['--use-epoch'], ['--skip-devices'], ['--skip-xattrs'], ['--user-xattrs'], ['--min-version=1'], ['--max-version=0']])(
    '%j',
    async (...argv) => {
      const theirs = execFileSync('mkcomposefs', [...argv, '--print-digest-only', root], { env, encoding: 'utf8' });
      expect(await ok(['mkcomposefs', ...argv, '--print-digest-only', root])).toBe(theirs);
    },
  );

  it('has the same digest store, and composefs-info tells the same', async () => {
    execFileSync('mkcomposefs', ['--digest-store=theirs-store', root, 'theirs.cfs'], { env, cwd: path() });
    await ok(['mkcomposefs', '--digest-store=ours-store', root, 'ours.cfs'], { cwd: path() });
    expect(names(path('ours-store'))).toEqual(names(path('theirs-store')));
    for (const argv of [
      ['ls'],
      ['dump'],
      ['objects'],
      ['missing-objects'],
      ['--basedir=ours-store', 'missing-objects'],
      ['measure-file'],
    ]) {
      const theirs = execFileSync('composefs-info', [...argv, 'theirs.cfs'], { env, cwd: path(), encoding: 'utf8' });
      expect(await ok(['composefs-info', ...argv, 'ours.cfs'], { cwd: path() })).toBe(theirs);
    }
  });
});

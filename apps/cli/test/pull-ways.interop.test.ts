import { execFileSync } from 'node:child_process';
import { appendFileSync, chmodSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { image, layoutFiles, tar, tarLayer, toolsAbsent, writeLayout } from '@cfskit/fixtures';
import { beforeAll, describe, expect, it } from 'vitest';
import { failure, json, ok, run, scratch } from './harness.ts';
import { contentsOf } from './registry-fixture.ts';

const isRoot = process.getuid?.() === 0;

const path = scratch();
const packaged = image({
  layers: [
    tarLayer(
      tar([
        { path: 'usr/', type: 'dir' },
        { path: 'usr/file', content: 'x'.repeat(100_000) },
        { path: 'usr/small', content: 'small' },
      ]),
      'gzip',
    ),
    tarLayer(tar([{ path: 'usr/more', content: 'm'.repeat(3000) }]), 'gzip'),
  ],
});
const PLATFORM = '--platform=linux/amd64';
const environment = (): NodeJS.ProcessEnv => ({ ...process.env, HOME: path('home') });
let count = 0;

beforeAll(async () => {
  await mkdir(path('home'), { recursive: true });
  await writeLayout(path('layout'), layoutFiles([{ image: packaged, tag: '1' }]));
});

async function newRepository(): Promise<string> {
  const repo = path(`repo ${count++}`);
  await ok(['init', '--insecure', repo]);
  return repo;
}

/** What a repository holds after a pull, and what was said on standard error. */
async function pulled(...argv: readonly string[]): Promise<{ contents: Readonly<Record<string, string>>; stderr: string; stats: unknown }> {
  const repo = await newRepository();
  const { code, stdout, stderr } = await run(['pull', '--repo', repo, '--json', PLATFORM, '-q', ...argv, 'app'], { env: environment() });
  expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
  return { contents: await contentsOf(repo), stderr, stats: (JSON.parse(stdout) as { stats: unknown }).stats };
}

/** A storage of containers with the image; its path has no blanks, which skopeo takes for the end. */
function storage(): { readonly root: string; readonly reference: string } {
  const root = path(`storage-${count++}`);
  const reference = `containers-storage:[vfs@${root}+${root}-run]localhost/app:1`;
  execFileSync('skopeo', ['copy', '-q', `oci:${path('layout')}:1`, reference]);
  return { root, reference };
}

describe.skipIf(toolsAbsent('skopeo'))('the same repository', () => {
  it.each(['proxy', 'staging'])('comes through skopeo with --fetch %s', async (way) => {
    const { contents } = await pulled(`oci:${path('layout')}:1`);
    expect((await pulled(`oci:${path('layout')}:1`, '--fetch', way)).contents).toEqual(contents);
  });

  it.skipIf(!isRoot).each([[], ['--fetch=staging'], ['--fetch=native'], ['--local-fetch=auto'], ['--local-fetch=zerocopy']])(
    'comes from the storage of containers, %s',
    async (...options) => {
      const { contents } = await pulled(`oci:${path('layout')}:1`);
      const found = await pulled(storage().reference, ...options.flat());
      expect(found.contents).toEqual(contents);
    },
  );

  it.skipIf(!isRoot)('comes from the storage without skopeo, and without a copy', async () => {
    const found = await pulled(storage().reference, '--local-fetch', 'zerocopy', '--skopeo', '/nonexistent');
    expect(found.stats).toMatchObject({ objects_copied: 0, bytes_copied: 0 });
  });
});

/** Says its name and fails. */
function fakeSkopeo(): string {
  const program = path('fake-skopeo');
  writeFileSync(program, '#!/bin/sh\necho "this is the fake" >&2\nexit 1\n');
  chmodSync(program, 0o755);
  return program;
}

/** A storage that has lost the headers of a layer. */
function damaged(): string {
  const { root, reference } = storage();
  for (const name of readdirSync(`${root}/vfs-layers`)) if (name.endsWith('.gz')) rmSync(`${root}/vfs-layers/${name}`);
  return reference;
}

describe.skipIf(toolsAbsent('skopeo') || !isRoot)('a storage that cannot be read', () => {
  it('is left to skopeo with --local-fetch auto, and that is said', async () => {
    const argv = ['pull', '--repo', await newRepository(), PLATFORM, '--local-fetch=auto', '--skopeo', fakeSkopeo(), damaged()];
    const { code, stderr } = await run(argv, { env: environment() });
    expect(code).toBe(1);
    expect(stderr).toMatch(/the headers of this layer were not kept: .*; reading the image through skopeo\n/);
    expect(stderr).toContain('this is the fake');
  });

  it.each(['--local-fetch=zerocopy', '--fetch=native'])('is an error with %s', async (option) => {
    const repo = await newRepository();
    const { code, error } = await failure(['pull', '--repo', repo, PLATFORM, option, '--skopeo', fakeSkopeo(), damaged()]);
    expect({ code, error: error.code }).toEqual({ code: 1, error: 'INVALID_TAR_SPLIT' });
    expect(await json('oci-images', ['oci', 'images', '--repo', repo])).toEqual({ images: [] });
  });

  it('with a file that was changed leaves nothing behind', async () => {
    const { root, reference } = storage();
    const layers = readdirSync(`${root}/vfs/dir`);
    for (const layer of layers) appendFileSync(`${root}/vfs/dir/${layer}/usr/file`, 'x');
    const { error } = await failure(['pull', '--repo', await newRepository(), PLATFORM, '--local-fetch=zerocopy', reference]);
    expect(error.code).toBe('FILE_CHANGED');
  });
});

it.each([
  [['containers-storage:x', '--local-fetch=auto', '--fetch=proxy'], '--local-fetch auto: not together with --fetch proxy'],
  [['containers-storage:x', '--local-fetch=zerocopy', '--fetch=staging'], '--local-fetch zerocopy: not together with --fetch staging'],
  [['oci:x', '--fetch=proxy', '--seed=y'], '--seed: '],
  [['docker://x/y/z', '--fetch=proxy', '--offline', '--registry-mirror=m/n'], '--offline, --registry-mirror: '],
  [['docker-daemon:x:1', '--seed=y'], '--seed: '],
  [['oci:x', '--fetch=pigeon'], '--fetch'],
])('%j is wrong usage', async (argv, message) => {
  const { code, stdout, stderr } = await run(['pull', ...argv]);
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr).toContain(message);
});

it('cannot read the images of a daemon without skopeo', async () => {
  expect((await failure(['pull', '--fetch=native', 'docker-daemon:app:1'])).error.code).toBe('UNSUPPORTED');
  const { error } = await failure(['pull', '--repo', await newRepository(), '--skopeo', '/nonexistent', 'docker-daemon:app:1']);
  expect(error.code).toBe('SKOPEO_MISSING');
});

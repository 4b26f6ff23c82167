import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { failure, json, ok, run, scratch } from './harness.ts';

const path = scratch();
let repo = '';
beforeAll(async () => {
  repo = path('repo');
  await ok(['init', '--insecure', repo]);
});

describe('a repository is opened as the options say', () => {
  it('of the algorithm expected', async () => {
    expect(await ok(['ls', '--repo', repo, '--hash', 'sha512'])).toBe('No images found\n');
    const { code, error } = await failure(['ls', '--repo', repo, '--hash', 'sha256']);
    expect({ code, errorCode: error.code }).toEqual({ code: 1, errorCode: 'ALGORITHM_MISMATCH' });
  });

  it('with fs-verity if that is required', async () => {
    const { code, error } = await failure(['ls', '--repo', repo, '--require-verity']);
    expect({ code, errorCode: error.code }).toEqual({ code: 1, errorCode: 'VERITY_REQUIRED' });
    expect(await run(['ls', '--repo', repo, '--require-verity', '--insecure'])).toMatchObject({ code: 2 });
  });

  it('and read as it is if it is old, unless --no-upgrade; what writes upgrades it', async () => {
    const old = path('old');
    await ok(['init', '--insecure', old]);
    await rm(join(old, 'meta.json'));
    await mkdir(join(old, 'objects', 'ab'), { recursive: true });
    await writeFile(join(old, 'objects', 'ab', 'cd'.repeat(63)), 'x');
    const { code, error } = await failure(['ls', '--repo', old, '--no-upgrade']);
    expect({ code, errorCode: error.code }).toEqual({ code: 1, errorCode: 'OLD_FORMAT' });
    expect(await json('oci-images', ['ls', '--repo', old])).toEqual({ images: [] });
    const checked = await run(['fsck', '-q', '--metadata-only', '--repo', old]);
    expect(checked).toMatchObject({ code: 0, stdout: expect.stringMatching(/^meta\.json: absent\n[^]*\nstatus: ok\n$/) as string });
    const untouched = await failure(['ls', '--repo', old, '--no-upgrade']);
    expect(untouched.error.code).toBe('OLD_FORMAT');
    const written = await run(['gc', '--repo', old]);
    expect(written).toMatchObject({ code: 0, stderr: expect.stringContaining(`upgraded the repository ${old}`) as string });
    expect(await ok(['ls', '--repo', old, '--no-upgrade'])).toBe('No images found\n');
  });

  it('only where there is one', async () => {
    const { code, error } = await failure(['ls', '--repo', path('nothing')]);
    expect({ code, errorCode: error.code, errno: error.detail['errno'] }).toEqual({ code: 1, errorCode: 'NOT_FOUND', errno: 'ENOENT' });
    expect(error.message).toBe(`there is no repository at ${path('nothing')}; "cfskit init" makes one`);
    expect(await run(['ls', '--no-repo'])).toMatchObject({ code: 2, stdout: '' });
  });
});

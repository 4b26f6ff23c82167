import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { failure, json, ok, run, scratch } from './harness.ts';
import { storedSample } from './stored-fixture.ts';

const path = scratch();
const stored = storedSample({
  artifact: true,
  extra: { path: 'usr/noted', content: 'x', xattrs: { 'user.note': 'hello', 'security.selinux': 'label' } },
});

it('prints the merged layers, a line for each entry', async () => {
  const text = await ok(['oci', 'dump', '--repo', stored.repo, 'demo']);
  const lines = text.split('\n');
  expect(lines.map((line) => line.split(' ', 1)[0])).toEqual([
    '/',
    '/etc',
    expect.any(String),
    expect.any(String),
    '/usr',
    '/usr/noted',
    '/usr/other',
    '',
  ]);
  expect(text).not.toContain('user.note');
  expect(await ok(['dump', '--repo', stored.repo, 'demo'])).toBe(text);
});

it('keeps attributes of users when told, and writes to a file', async () => {
  await ok(['oci', 'dump', '--repo', stored.repo, '--xattrs=keep-user-xattrs', '-o', path('dump'), 'demo']);
  const text = await readFile(path('dump'), 'utf8');
  expect(text).toContain('user.note=hello');
  expect(text).not.toContain('selinux');
});

it('has no JSON form, and no tree of an artifact', async () => {
  expect(await run(['oci', 'dump', '--repo', stored.repo, '--json', 'demo'])).toMatchObject({ code: 2, stdout: '' });
  const ended = await run(['oci', 'dump', '--repo', stored.repo, 'note']);
  expect(ended).toMatchObject({ code: 1, stdout: '' });
  expect(ended.stderr).toContain('is an artifact');
});

it('prints the id with what it depends on', async () => {
  const text = (await ok(['oci', 'compute-id', '--repo', stored.repo, 'demo'])).trim();
  const usual = await json('compute-id', ['oci', 'compute-id', '--repo', stored.repo, 'demo']);
  expect(usual).toEqual({ image_id: text, format: 1, algorithm: 'sha512', xattrs: 'allowlist-only' });
  const argv = ['oci', 'compute-id', '--repo', stored.repo, '--erofs-version=2', '--xattrs=keep-user-xattrs', 'demo'];
  expect(await json('compute-id', argv)).toMatchObject({ format: 2, xattrs: 'keep-user-xattrs' });
});

it('explains: every id that the image could have, also in repositories of the other algorithm', async () => {
  const { candidates } = (await json('compute-id-explain', ['oci', 'compute-id', '--explain', '--repo', stored.repo, 'demo'])) as {
    candidates: readonly { image_id: string; format: number; algorithm: string; xattrs: string }[];
  };
  expect(candidates).toHaveLength(12);
  expect(new Set(candidates.map(({ image_id: id }) => id)).size).toBe(12);
  await ok(['init', '--insecure', '--algorithm', 'fsverity-sha256-12', path('sha256')]);
  const pull = ['pull', '--repo', path('sha256'), `oci:${stored.layout}:v1`, 'demo', '-q', '--platform', 'linux/amd64'];
  await ok(pull);
  for (const { image_id: id, format, algorithm, xattrs } of candidates) {
    const repo = algorithm === 'sha256' ? path('sha256') : stored.repo;
    const argv = ['oci', 'compute-id', '--repo', repo, '--erofs-version', String(format), '--xattrs', xattrs, 'demo'];
    expect(await ok(argv)).toBe(`${id}\n`);
  }
  const table = await ok(['oci', 'compute-id', '--explain', '--repo', stored.repo, 'demo']);
  expect(table.split('\n')).toHaveLength(14);
  expect(await failure(['oci', 'compute-id', '--repo', stored.repo, '--hash=sha256', 'demo'])).toMatchObject({
    error: { code: 'ALGORITHM_MISMATCH' },
  });
});

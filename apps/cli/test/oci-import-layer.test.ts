import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { tar, tarLayer } from '@cfskit/fixtures';
import { beforeAll, expect, it } from 'vitest';
import { failure, json, ok, run, scratch } from './harness.ts';

const path = scratch();
const bytes = tar([
  { path: 'hello.txt', content: 'hello from test layer\n' },
  { path: 'big', content: 'x'.repeat(5000) },
]);
const { diffId } = tarLayer(bytes, 'none');
let repo = '';

beforeAll(async () => {
  repo = path('repo');
  await ok(['init', '--insecure', repo]);
});

it.each(['none', 'gzip', 'zstd'] as const)('reads %s from standard input and prints the id of the stream', async (compression) => {
  const fresh = path(compression);
  await ok(['init', '--insecure', fresh]);
  const stdin = [tarLayer(bytes, compression).bytes];
  const text = await ok(['import-layer', '--repo', fresh, diffId], { stdin });
  expect(text).toMatch(/^sha512:[0-9a-f]{128}\n$/);
  expect(Buffer.from((await run(['layer', '--repo', fresh, diffId])).bytes)).toEqual(Buffer.from(bytes));
});

it('reads a file, gives the layer a name, and does not read it again', async () => {
  await writeFile(path('layer.tar'), bytes);
  const result = await json('oci-import-layer', ['oci', 'import-layer', '--repo', repo, '-i', 'layer.tar', diffId, 'my/layer'], {
    cwd: path(),
  });
  expect(result).toMatchObject({ diff_id: diffId, name: 'my/layer' });
  expect(Buffer.from((await run(['cat', '--repo', repo, 'refs/my/layer'])).bytes)).toEqual(Buffer.from(bytes));
  expect(await json('oci-import-layer', ['import-layer', '--repo', repo, '-i', '/nonexistent', `@${diffId}`])).toMatchObject({
    diff_id: diffId,
  });
  expect(await ok(['gc', '--repo', repo])).toBe('Objects: 0 removed (0 bytes)\n');
});

it('refuses what does not hash to the diff_id, and names nothing', async () => {
  const fresh = path('refused');
  await ok(['init', '--insecure', fresh]);
  const wrong = `sha256:${'1'.repeat(64)}`;
  const { code, error } = await failure(['import-layer', '--repo', fresh, wrong], { stdin: [bytes] });
  expect(code).toBe(1);
  expect(error).toMatchObject({ code: 'DIFF_ID_MISMATCH', detail: { expected: wrong, actual: diffId } });
  expect(await readdir(join(fresh, 'streams')).catch(() => [])).toEqual([]);
});

it.each([
  ['a truncated tar', bytes.subarray(0, 700)],
  ['truncated gzip', tarLayer(bytes, 'gzip').bytes.subarray(0, 60)],
  ['text', new TextEncoder().encode('this is no tar'.repeat(100))],
])('refuses %s', async (_, content) => {
  const fresh = path(`bad ${content.byteLength}`);
  await ok(['init', '--insecure', fresh]);
  const { code } = await failure(['import-layer', '--repo', fresh, diffId], { stdin: [content] });
  expect(code).toBe(1);
  expect(await readdir(join(fresh, 'streams')).catch(() => [])).toEqual([]);
  expect(await ok(['fsck', '-q', '--repo', fresh])).toContain('status: ok');
});

it('fails for a file that is not there', async () => {
  const fresh = path('no file');
  await ok(['init', '--insecure', fresh]);
  const { code, error } = await failure(['import-layer', '--repo', fresh, '-i', '/nonexistent', diffId]);
  expect({ code, errno: error.detail['errno'] }).toEqual({ code: 1, errno: 'ENOENT' });
});

it.each([
  [['import-layer'], {}, 'missing DIFF_ID'],
  [['import-layer', 'nothing'], {}, 'DIFF_ID: '],
  [['import-layer', 'sha256:00'], {}, 'DIFF_ID: '],
  [['import-layer', diffId, '../x'], {}, 'NAME: '],
  [['import-layer', diffId], { stdinIsTerminal: true }, 'refusing to read a tar from a terminal; use -i FILE or a pipe'],
])('%j is wrong usage', async (argv, options, message) => {
  const ended = await run([...argv, '--repo', repo], options);
  expect(ended).toMatchObject({ code: 2, stdout: '' });
  expect(ended.stderr).toContain(message);
});

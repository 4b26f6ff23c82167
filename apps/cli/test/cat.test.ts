import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { ok, run, scratch } from './harness.ts';
import { storedSample } from './stored-fixture.ts';

const path = scratch();
const stored = storedSample();

it('prints what a stream stands for', async () => {
  const [layer] = stored.sample.layers;
  const { code, bytes } = await run(['cat', '--repo', stored.repo, `oci-layer-${layer?.diffId}`]);
  expect(code).toBe(0);
  expect(Buffer.from(bytes)).toEqual(Buffer.from(stored.sample.tars.at(0)!));
});

it.each(['refs/oci/demo', 'ref/oci/demo'])('takes %s', async (name) => {
  expect(JSON.parse(await ok(['cat', '--repo', stored.repo, name]))).toMatchObject({ schemaVersion: 2 });
});

it('tells who names an image alone what is missing', async () => {
  expect(await run(['cat', '--repo', stored.repo, 'demo'])).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^cfskit: no stream 'demo'; it is an image: a PATH behind it prints a file\n/) as string,
  });
});

it('writes to a file', async () => {
  await ok(['cat', '--repo', stored.repo, 'refs/oci/demo', '-o', 'manifest'], { cwd: path() });
  expect(JSON.parse(await readFile(path('manifest'), 'utf8'))).toMatchObject({ schemaVersion: 2 });
});

it('suggests near names', async () => {
  const ended = await run(['cat', '--repo', stored.repo, 'refs/oci/dmo']);
  expect(ended).toMatchObject({ code: 1, stdout: '', stderr: "cfskit: no stream 'refs/oci/dmo'\n  maybe  refs/oci/demo\n" });
});

it.each(['refs/../../x', '../meta.json', 'refs/', 'refs', ''])('%j is wrong usage', async (name) => {
  expect(await run(['cat', '--repo', path('nothing'), name])).toMatchObject({ code: 2, stdout: '' });
});

it('refuses a terminal', async () => {
  expect(await run(['cat', '--repo', stored.repo, 'refs/oci/demo'], { stdoutIsTerminal: true })).toMatchObject({ code: 2, stdout: '' });
});

it('fails when the reader of the data goes away', async () => {
  expect(await run(['cat', '--repo', stored.repo, 'refs/oci/demo'], { stdoutLimit: 1 })).toMatchObject({ code: 1, stderr: '' });
});

import { readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import { fsVerityDigest } from '@cfskit/fs-verity';
import { expect, it } from 'vitest';
import { document, failure, json, ok, run, scratch } from './harness.ts';
import { LARGE, storedSample, storeSample } from './stored-fixture.ts';

const path = scratch();
const large = fsVerityDigest(LARGE, 'sha512');
const stored = storedSample();
const { diffId } = stored.sample.layers.at(0)!;
const tar = stored.sample.tars.at(0)!;

it.each([0, 1])('prints the tar of layer %i byte for byte', async (index) => {
  const { code, bytes } = await run(['layer', '--repo', stored.repo, stored.sample.layers.at(index)!.diffId]);
  expect(code).toBe(0);
  expect(Buffer.from(bytes)).toEqual(Buffer.from(stored.sample.tars.at(index)!));
});

it('takes @, and the beginning of a diff_id', async () => {
  for (const name of [`@${diffId}`, diffId.slice(0, 24), diffId.slice(7, 19)]) {
    expect((await run(['oci', 'layer', '--repo', stored.repo, name])).bytes).toHaveLength(tar.byteLength);
  }
});

it('has the keys of cfsctl in JSON', async () => {
  expect(await json('oci-layer', ['layer', '--repo', stored.repo, diffId])).toEqual({
    diffId,
    verity: expect.stringMatching(/^[0-9a-f]{128}$/),
    size: tar.byteLength,
    entryCount: 9,
    splitstream: { externalObjects: 1, externalSize: 200, inlineSize: tar.byteLength - 200 },
  });
});

it('prints a dump line for each entry', async () => {
  const lines = (await ok(['layer', '--dumpfile', '--repo', stored.repo, diffId])).trimEnd().split('\n');
  expect(lines).toHaveLength(9);
  expect(lines[2]).toBe(`/usr/tool 200 104755 1 3 4 0 1234567890.500000000 ${large.slice(0, 2)}/${large.slice(2)} - ${large}`);
  expect(lines[3]).toBe('/usr/tool-link 0 @120000 - - - - 0.0 /usr/tool - -');
  expect(lines[6]).toBe('/etc/name\\nwith\\x20a\\x20line 6 100644 1 0 0 0 1.0 - small\\n -');
});

it('compresses', async () => {
  const gzip = await run(['layer', '--repo', stored.repo, diffId, '--compress', 'gzip']);
  expect(gunzipSync(gzip.bytes).equals(tar)).toBe(true);
  await ok(['layer', '--repo', stored.repo, diffId, '--compress=zstd', '-o', 'layer.tar.zst'], { cwd: path() });
  expect(zstdDecompressSync(await readFile(path('layer.tar.zst'))).equals(tar)).toBe(true);
});

it('writes the file and prints the numbers with -o and --json', async () => {
  const text = await ok(['layer', '--json', '--repo', stored.repo, diffId, '-o', 'layer.tar'], { cwd: path() });
  expect(document('oci-layer', text)).toMatchObject({ diffId });
  expect((await readFile(path('layer.tar'))).equals(tar)).toBe(true);
});

it('fails when the layer is no longer what its diff_id says, and leaves no file', async () => {
  const damaged = await storeSample(path());
  const file = join(damaged.repo, 'objects', large.slice(0, 2), large.slice(2));
  await rm(file);
  await writeFile(
    file,
    LARGE.map((byte) => byte ^ 1),
  );
  const { code, error } = await failure(['layer', '--repo', damaged.repo, diffId, '-o', 'broken.tar'], { cwd: path() });
  expect(code).toBe(1);
  expect(error).toMatchObject({ detail: { expected: diffId } });
  expect(await readdir(path())).not.toContain('broken.tar');
  const ended = await run(['layer', '--repo', damaged.repo, diffId]);
  expect(ended.code).toBe(1);
  expect(ended.stderr).toContain(`  wanted ${diffId}\n`);
});

it('ends with 1 when the reader of the tar goes away, and with 0 when lines were printed', async () => {
  expect(await run(['layer', '--repo', stored.repo, diffId], { stdoutLimit: 1 })).toMatchObject({ code: 1, stderr: '' });
  expect(await run(['layer', '--dumpfile', '--repo', stored.repo, diffId], { stdoutLimit: 1 })).toMatchObject({ code: 0, stderr: '' });
});

it('does not know other layers', async () => {
  const { code, error } = await failure(['layer', '--repo', stored.repo, `sha256:${'0'.repeat(64)}`]);
  expect({ code, errorCode: error.code }).toEqual({ code: 1, errorCode: 'NOT_FOUND' });
  expect(error.message).toContain('not found');
});

it.each([
  [['layer'], {}, 'missing DIFF_ID'],
  [['layer', 'sha256:00'], {}, 'DIFF_ID: wanted a digest'],
  [['layer', '@x'], {}, 'DIFF_ID: '],
  [['layer', 'x', '--dumpfile', '--json'], {}, 'exclude each other'],
  [['layer', 'x', '--dumpfile', '--compress=gzip'], {}, 'exclude each other'],
  [['layer', 'x', '--compress=gzip', '--json'], {}, '-o FILE'],
  [['layer', `sha256:${'0'.repeat(64)}`], { stdoutIsTerminal: true }, 'refusing to write binary data to a terminal; use -o FILE or a pipe'],
])('%j is wrong usage', async (argv, options, message) => {
  const ended = await run([...argv, '--repo', stored.repo], options);
  expect(ended).toMatchObject({ code: 2, stdout: '' });
  expect(ended.stderr).toContain(message);
});

import { readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fsVerityDigest } from '@cfskit/fs-verity';
import { expect, it } from 'vitest';
import { json, ok, run, scratch } from './harness.ts';
import { LARGE, ODD_NAME, storedSample, storeSample } from './stored-fixture.ts';

const path = scratch();
const stored = storedSample();
const [base = '', top = ''] = stored.sample.layers.map((layer) => layer.diffId);

it('has a path on each line, in the order of the tar, and every path on one line', async () => {
  expect(await ok(['ls-layer', '--repo', stored.repo, base])).toBe(
    ['/.', '/usr', '/usr/tool', '/usr/tool-link', '/usr/sh', '/etc', '/etc/name\\x0awith a line', '/etc/odd-\\xff', '/etc/null', ''].join(
      '\n',
    ),
  );
});

it('adds mode, owner, size and time with -l', async () => {
  const lines = (await ok(['oci', 'ls-layer', '-l', '--repo', stored.repo, base])).split('\n');
  expect(lines[1]).toBe('drwxr-xr-x 0/0          0 1970-01-01T00:00:00Z /usr');
  expect(lines[2]).toBe('-rwsr-xr-x 3/4        200 2009-02-13T23:31:30.5Z /usr/tool');
  expect(lines[3]).toBe('hrw-r--r-- 0/0          0 1970-01-01T00:00:00Z /usr/tool-link -> /usr/tool');
  expect(lines[4]).toBe('lrwxrwxrwx 0/0          0 1970-01-01T00:00:00Z /usr/sh -> tool');
  expect(lines[5]).toBe('drwxrwxrwt 0/0          0 1970-01-01T00:00:00Z /etc');
  expect(lines[8]).toMatch(/^crw-r--r-- /);
});

it('shows whiteouts as such', async () => {
  expect(await ok(['ls-layer', '--repo', stored.repo, top])).toBe('/etc\n/etc/.wh.null\n/usr/.wh..wh..opq\n/usr/other\n');
  const lines = (await ok(['ls-layer', '-l', '--repo', stored.repo, top])).split('\n');
  expect(lines.map((line) => line.charAt(0))).toEqual(['d', 'w', 'o', '-', '']);
});

it('prints names as they are with -0', async () => {
  const { bytes } = await run(['ls-layer', '-0', '--repo', stored.repo, base]);
  const names = Buffer.from(bytes).toString('latin1').split('\0');
  expect(names).toHaveLength(10);
  expect(names[6]).toBe('/etc/name\nwith a line');
  expect(names[7]).toBe(`/${Buffer.from(ODD_NAME).toString('latin1')}`);
});

it('says everything in JSON, names that are no UTF-8 in base64 besides', async () => {
  const { entries } = (await json('oci-ls-layer', ['ls-layer', '--repo', stored.repo, base])) as { entries: unknown[] };
  expect(entries[2]).toEqual({
    path: '/usr/tool',
    type: 'file',
    mode: '4755',
    uid: 3,
    gid: 4,
    size: 200,
    mtime: '2009-02-13T23:31:30.5Z',
    object: fsVerityDigest(LARGE, 'sha512'),
  });
  expect(entries[3]).toMatchObject({ type: 'hard-link', target: '/usr/tool' });
  expect(entries[6]).toMatchObject({ path: '/etc/name\nwith a line', size: 6 });
  expect(entries[7]).toMatchObject({ path: '/etc/odd-\\xff', bytes: Buffer.from([0x2f, ...ODD_NAME]).toString('base64') });
  const whiteouts = (await json('oci-ls-layer', ['ls-layer', '--repo', stored.repo, top])) as { entries: { type: string }[] };
  expect(whiteouts.entries.map(({ type }) => type)).toEqual(['directory', 'whiteout', 'opaque', 'file']);
});

it('does not mix -0 with -l or --json', async () => {
  expect(await run(['ls-layer', '-0l', '--repo', stored.repo, base])).toMatchObject({ code: 2, stdout: '' });
  expect(await run(['ls-layer', '-0', '--json', '--repo', stored.repo, base])).toMatchObject({ code: 2, stdout: '' });
});

it('ends with 0 when the reader goes away', async () => {
  expect(await run(['ls-layer', '--repo', stored.repo, base], { stdoutLimit: 3 })).toMatchObject({ code: 0, stderr: '' });
});

it('prints no part of a document that fails', async () => {
  const damaged = await storeSample(path());
  const file = await realpath(join(damaged.repo, `streams/oci-layer-${base}`));
  const bytes = await readFile(file);
  await rm(file);
  await writeFile(file, bytes.fill(0, bytes.byteLength >> 1));
  const argv = ['ls-layer', '--repo', damaged.repo, base];
  expect(await run([...argv, '--json'])).toMatchObject({ code: 1, stdout: '' });
});

import { readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { blobPath, flipBit } from '@cfskit/fixtures';
import { document, failure, json, ok, run, scratch } from './harness.ts';
import { sampleImage, writeSampleLayout } from './stored-fixture.ts';

const path = scratch();
const sample = sampleImage();
const { digest } = sample.image.descriptor;
let source = '';

beforeAll(async () => {
  await writeSampleLayout(path('layout'), sample, true);
  source = `oci:${path('layout')}:v1`;
});

async function newRepository(name: string): Promise<string> {
  await ok(['init', '--insecure', path(name)]);
  return path(name);
}

it('prints the five lines of cfsctl, and the image', async () => {
  const repo = await newRepository('text');
  const lines = (await ok(['oci', 'pull', '--repo', repo, source, 'demo', '--platform=linux/amd64'])).split('\n');
  expect(lines).toEqual([
    `manifest ${digest}`,
    expect.stringMatching(/^config {3}sha256:[0-9a-f]{64}$/),
    expect.stringMatching(/^verity {3}[0-9a-f]{128}$/),
    'tagged   demo',
    expect.stringMatching(/^objects {2}2 new \+ 0 already present objects; 400 B stored, \d+\.\d\d KiB inlined$/),
    expect.stringMatching(/^image {4}[0-9a-f]{128}$/),
    '',
  ]);
});

it('says everything in JSON; a second pull fetches nothing', async () => {
  const repo = await newRepository('json');
  const argv = ['--repo', repo, 'pull', source, '--platform', 'linux/amd64'];
  const first = await json('pull', argv);
  expect(first).toMatchObject({
    source,
    manifest_digest: digest,
    tag: source,
    platform: 'linux/amd64',
    stats: { layers: 2, layers_already_present: 0, objects_copied: 2, bytes_copied: 400, objects_reflinked: 0 },
  });
  expect((first as { bytes_fetched: number }).bytes_fetched).toBeGreaterThan(0);
  const { image_id: id } = first as { image_id: string };
  expect(id).toMatch(/^[0-9a-f]{128}$/);
  const second = await json('pull', argv);
  expect(second).toMatchObject({ stats: { layers: 2, layers_already_present: 2, objects_copied: 0 }, bytes_fetched: 0, image_id: id });
});

it('tells progress as JSON lines that end with completed', async () => {
  const repo = await newRepository('progress');
  const { code, stderr } = await run(['pull', '--repo', repo, source, '--platform=linux/amd64', '--progress=json']);
  expect(code).toBe(0);
  const events = stderr
    .trimEnd()
    .split('\n')
    .map((line) => document('progress', `${line}\n`) as Record<string, unknown>);
  expect(Object.keys(events.at(-1) ?? {})).toEqual(['completed']);
  const plan = events.findIndex((event) => 'plan' in event);
  const firstProgress = events.findIndex((event) => 'progress' in event);
  expect(plan).toBeGreaterThanOrEqual(0);
  expect(firstProgress === -1 || plan < firstProgress).toBe(true);
  const started = events.filter((event) => 'started' in event);
  const done = events.filter((event) => 'done' in event);
  expect(done).toHaveLength(started.length);
});

it('takes artifacts', async () => {
  const repo = await newRepository('artifact');
  const result = await json('pull', ['pull', '--repo', repo, `oci:${path('layout')}:note`, '--platform=linux/amd64']);
  expect(result).toMatchObject({ stats: { layers: 1 } });
});

it('builds no image when told, and the one that is asked for', async () => {
  const repo = await newRepository('images');
  const pull = (...options: string[]): Promise<unknown> =>
    json('pull', ['pull', '--repo', repo, source, 'demo', '--platform=linux/amd64', ...options]);
  expect(await pull('--no-image')).not.toHaveProperty('image_id');
  expect(await json('oci-inspect', ['inspect', '--repo', repo, 'demo'])).toMatchObject({ composefs_erofs: null });
  const usual = (await pull()) as { image_id: string };
  expect(await json('oci-inspect', ['inspect', '--repo', repo, 'demo'])).toMatchObject({ composefs_erofs: usual.image_id });
  const two = (await pull('--erofs-version=2')) as { image_id: string };
  expect(two.image_id).not.toBe(usual.image_id);
  expect(await pull('--xattrs=allowlist-only', '--expect-id', usual.image_id)).toMatchObject(usual);
  expect(await pull('--expect-id', `sha512:${usual.image_id}`)).toMatchObject(usual);
});

it('sets no tag when the image has another id', async () => {
  const repo = await newRepository('expect-id');
  const wanted = '0'.repeat(128);
  const { code, error } = await failure(['pull', '--repo', repo, source, '--platform=linux/amd64', '--expect-id', wanted]);
  expect(code).toBe(1);
  expect(error).toMatchObject({ code: 'UNEXPECTED_IMAGE', detail: { expected: wanted, actual: expect.stringMatching(/^[0-9a-f]{128}$/) } });
  expect(await ok(['ls', '--repo', repo])).toBe('No images found\n');
});

it('says that the repository is read-only before it looks at the source', async () => {
  const repo = await newRepository('readonly');
  const meta = join(repo, 'meta.json');
  const text = (await readFile(meta, 'utf8')).replace('"v1_erofs"', '"v1_erofs", "from_the_future"');
  await writeFile(meta, text);
  const { code, error } = await failure(['pull', '--repo', repo, 'oci:/nonexistent/layout']);
  expect(code).toBe(1);
  expect(error.code).toBe('READ_ONLY');
  expect(error.message).toContain('Repository is not writable');
  expect(JSON.stringify(error)).not.toContain('nonexistent');
});

it('sets no tag when the manifest is another one', async () => {
  const repo = await newRepository('expect');
  const wanted = `sha256:${'0'.repeat(64)}`;
  const { code, error } = await failure(['pull', '--repo', repo, source, '--platform=linux/amd64', '--expect-manifest', wanted]);
  expect(code).toBe(1);
  expect(error).toMatchObject({ code: 'UNEXPECTED_MANIFEST', detail: { expected: wanted, actual: digest } });
  expect(await readdir(repo)).toEqual(['meta.json']);
  await ok(['pull', '--repo', repo, source, '-q', '--platform=linux/amd64', '--expect-manifest', digest]);
});

it('names the blob that is damaged, with both digests, and stores nothing under a name', async () => {
  const repo = await newRepository('damaged');
  const layout = path('damaged layout');
  await writeSampleLayout(layout, sample);
  const blob = sample.layers.at(0)!;
  const file = join(layout, blobPath(blob.descriptor.digest));
  await writeFile(file, flipBit(blob.bytes, 4)); // in the time stamp of the gzip header: the decoder does not mind
  const ended = await run(['pull', '--repo', repo, `oci:${layout}`, 'demo', '--platform=linux/amd64', '-q']);
  expect(ended).toMatchObject({ code: 1, stdout: '' });
  expect(ended.stderr).toContain(`Failed to import layer ${blob.descriptor.digest} (1 of 2`);
  expect(ended.stderr).toContain(`  wanted ${blob.descriptor.digest}\n`);
  expect(ended.stderr).toMatch(/\n {2}found {2}sha256:[0-9a-f]{64}\n/);
  expect(await ok(['ls', '--repo', repo])).toBe('No images found\n');
  const { error } = await failure(['pull', '--repo', repo, `oci:${layout}`, '--platform=linux/amd64']);
  expect(error).toMatchObject({
    code: 'DIGEST_MISMATCH',
    detail: { blob: blob.descriptor.digest, layer: { index: 0, diffId: blob.diffId } },
  });
  expect(await readdir(join(repo, 'streams')).catch(() => [])).not.toContain(`oci-layer-${blob.diffId}`);
  await rm(layout, { recursive: true });
});

it('lists the tags and platforms there are', async () => {
  const repo = await newRepository('choose');
  const tag = await failure(['pull', '--repo', repo, `oci:${path('layout')}:v2`]);
  expect(tag).toMatchObject({ code: 1, error: { code: 'TAG_NOT_FOUND' } });
  expect(JSON.stringify(tag.error)).toMatch(/v1.*note/);
  const platform = await failure(['pull', '--repo', repo, source, '--platform', 'linux/s390x']);
  expect(platform).toMatchObject({ code: 1, error: { code: 'NO_MATCH' } });
  expect(JSON.stringify(platform.error)).toContain('linux/amd64');
});

it.each([
  [['pull'], 'missing SOURCE'],
  [['pull', 'no-transport'], 'SOURCE: Missing'],
  [['pull', 'ftp:x'], 'SOURCE: Unknown transport'],
  [['pull', 'oci:x', '@name'], 'NAME: '],
  [['pull', 'oci:x', `sha256:${'0'.repeat(64)}`], 'NAME: '],
  [['pull', 'oci:x', '--platform', 'all'], '--platform all'],
  [['pull', 'oci:x', '--platform', 'linux'], '--platform: '],
  [['pull', 'oci:x', '--jobs', '0'], 'whole number from 1'],
  [['pull', 'oci:x', '--expect-manifest', 'abc'], '--expect-manifest: '],
  [['pull', 'oci:x', '--expect-id', 'abc'], '--expect-id: '],
  [['pull', 'oci:x', '--expect-id', '0'.repeat(64), '--no-image'], '--no-image'],
  [['pull', 'oci:x', '--xattrs', 'all'], '--xattrs'],
  [['pull', 'oci:x', '--xattrs', 'keep-user-xattrs', '--no-image'], '--no-image'],
  [['pull', 'oci:x', '--bootable'], '--bootable: not supported; use cfsctl'],
  [['pull', 'oci:x', '--expected-digest', 'ab'], 'not part of this tool (boot and ostree integration); cfsctl has it'],
])('%j is wrong usage', async (argv, message) => {
  const ended = await run(argv, { cwd: path() });
  expect(ended).toMatchObject({ code: 2, stdout: '' });
  expect(ended.stderr).toContain(message);
});

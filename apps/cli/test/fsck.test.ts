import { readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { document, json, ok, run, scratch } from './harness.ts';
import { LARGE, storeSample, type Stored } from './stored-fixture.ts';

const path = scratch();
let healthy: Stored;
let damaged: Stored;
let brokenObject = '';

beforeAll(async () => {
  healthy = await storeSample(path());
  damaged = await storeSample(path());
  const listed = await json('object-stat', ['object', 'stat', '--repo', damaged.repo, ...(await allObjects(damaged.repo))]);
  const { objects } = listed as { objects: { id: string; size: number }[] };
  brokenObject = objects.find(({ size }) => size === LARGE.byteLength)?.id ?? '';
  const file = join(damaged.repo, 'objects', brokenObject.slice(0, 2), brokenObject.slice(2));
  await rm(file);
  await writeFile(file, 'damaged');
});

async function allObjects(repo: string): Promise<string[]> {
  const names = await readdir(join(repo, 'objects'), { recursive: true });
  return names.filter((name) => name.length > 3);
}

it('finds everything in order, in the words of cfsctl', async () => {
  expect(await ok(['fsck', '--repo', healthy.repo])).toBe('meta.json: ok\nobjects: 9/9 ok\nstreams: 4/4 ok\nimages: 1/1 ok\nstatus: ok\n');
  expect(await json('fsck', ['fsck', '--repo', healthy.repo])).toEqual({
    ok: true,
    has_metadata: true,
    objects_checked: 9,
    objects_corrupted: 0,
    streams_checked: 4,
    streams_corrupted: 0,
    images_checked: 1,
    images_corrupted: 0,
    broken_links: 0,
    missing_objects: 0,
    errors: [],
    findings: [],
  });
});

it('exits 1 when something is wrong and names it, with and without JSON', async () => {
  const text = await run(['fsck', '-q', '--repo', damaged.repo]);
  expect(text.code).toBe(1);
  const objectPath = `objects/${brokenObject.slice(0, 2)}/${brokenObject.slice(2)}`;
  expect(text.stdout).toContain('objects: 8/9 ok\n');
  expect(text.stdout).toContain(`status: 1 error(s)\n  - fsck: object-digest-mismatch: ${objectPath}: measured `);
  expect(text.stderr).toBe('cfskit: repository integrity check failed\n');
  const machine = await run(['fsck', '-q', '--json', '--repo', damaged.repo]);
  expect(machine.code).toBe(1);
  expect(document('fsck', machine.stdout)).toMatchObject({
    ok: false,
    objects_corrupted: 1,
    errors: [expect.stringContaining(`fsck: object-digest-mismatch: ${objectPath}`)],
    findings: [{ type: 'object-digest-mismatch', path: objectPath, measured: expect.stringMatching(/^[0-9a-f]{128}$/) }],
  });
  expect(document('error', machine.stderr)).toMatchObject({ error: { code: 'PROBLEMS_FOUND', detail: { problems: 1 } } });
});

it('exits 0 all the same with --exit-zero', async () => {
  expect(await run(['fsck', '-q', '--exit-zero', '--repo', damaged.repo])).toMatchObject({ code: 0, stderr: '' });
});

it('leaves the objects alone with --metadata-only', async () => {
  expect(await ok(['fsck', '--metadata-only', '--repo', damaged.repo])).toContain('objects: 0/0 ok\n');
});

it('writes keys of findings with underscores', async () => {
  const stored = await storeSample(path());
  const large = brokenObject;
  await rm(join(stored.repo, 'objects', large.slice(0, 2), large.slice(2)));
  const ended = await run(['fsck', '-q', '--json', '--repo', stored.repo]);
  const { findings } = document('fsck', ended.stdout) as { findings: { type: string }[] };
  expect(findings).toContainEqual({ type: 'missing-object-ref', path: expect.stringMatching(/^streams\/oci-layer-/), object_id: large });
});

it('finds no repository where there is none', async () => {
  expect(await run(['fsck', '-q', '--repo', path('nothing')])).toMatchObject({ code: 1, stdout: '' });
  const { stderr } = await run(['fsck', '--json', '--repo', path()]);
  expect(document('error', stderr)).toMatchObject({ error: { code: 'METADATA_MISSING' } });
});

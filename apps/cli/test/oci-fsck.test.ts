import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fsVerityDigest } from '@cfskit/fs-verity';
import { beforeAll, expect, it } from 'vitest';
import { document, failure, json, ok, run, scratch } from './harness.ts';
import { storeSample, type Stored } from './stored-fixture.ts';

const path = scratch();
let healthy: Stored;
let damaged: Stored;
beforeAll(async () => {
  healthy = await storeSample(path(), { artifact: true });
  damaged = await storeSample(path(), { artifact: true });
  await rm(join(damaged.repo, 'streams', `oci-layer-${damaged.sample.layers.at(0)!.diffId}`));
});

it('finds everything in order', async () => {
  const text = await ok(['oci', 'fsck', '--repo', healthy.repo]);
  expect(text).toMatch(/^meta\.json: ok\nobjects: (\d+)\/\1 ok\nstreams: 7\/7 ok\nimages: 1\/1 ok\nstatus: ok\noci images: 2\/2 ok\n$/);
  expect(await ok(['oci', 'fsck', '--repo', healthy.repo, 'demo'])).toContain('oci images: 1/1 ok\n');
  expect(await json('oci-fsck', ['oci', 'fsck', '--repo', healthy.repo])).toMatchObject({
    ok: true,
    images_checked: 2,
    images_corrupted: 0,
    errors: [],
    findings: [],
    repo: { ok: true },
  });
});

it('exits 1 when a layer is missing, and names the image', async () => {
  const text = await run(['oci', 'fsck', '-q', '--repo', damaged.repo]);
  expect(text).toMatchObject({ code: 1, stderr: 'cfskit: OCI integrity check failed\n' });
  expect(text.stdout).toContain('oci images: 1/2 ok\noci errors: 1\n  - fsck: layer-stream-missing: demo: ');
  const machine = await run(['oci', 'fsck', '-q', '--json', '--repo', damaged.repo]);
  expect(machine.code).toBe(1);
  expect(document('oci-fsck', machine.stdout)).toMatchObject({
    ok: false,
    images_corrupted: 1,
    findings: [{ type: 'layer-stream-missing', name: 'demo' }],
  });
  expect(await run(['oci', 'fsck', '-q', '--exit-zero', '--repo', damaged.repo])).toMatchObject({ code: 0, stderr: '' });
});

it.each(['manifest', 'config'] as const)('names a %s that was changed, and so does inspect', async (document_) => {
  const { repo, sample } = await storeSample(path());
  const bytes = new TextEncoder().encode(await ok(['inspect', '--repo', repo, 'demo', `--${document_}`])).subarray(0, -1);
  const id = fsVerityDigest(bytes, 'sha512');
  const file = join(repo, 'objects', id.slice(0, 2), id.slice(2));
  await rm(file);
  await writeFile(
    file,
    bytes.map((byte) => (byte === 0x2c ? 0x20 : byte)),
  );
  const { code, stdout } = await run(['oci', 'fsck', '-q', '--repo', repo]);
  expect(code).toBe(1);
  expect(stdout).toContain(`fsck: ${document_}-digest-mismatch: demo: expected sha256:`);
  const { error } = await failure(['inspect', '--repo', repo, sample.image.descriptor.digest]);
  expect(error.code).toBe('INTEGRITY');
});

it('is repaired by the next pull', async () => {
  await ok(['pull', '-q', '--platform=linux/amd64', '--repo', damaged.repo, `oci:${damaged.layout}:v1`, 'demo']);
  expect(await ok(['oci', 'fsck', '--repo', damaged.repo])).toContain('oci images: 2/2 ok\n');
});

it('counts a name that does not resolve as a corrupted image', async () => {
  const { code, stdout } = await run(['oci', 'fsck', '-q', '--json', '--repo', healthy.repo, 'nope']);
  expect(code).toBe(1);
  expect(document('oci-fsck', stdout)).toMatchObject({
    images_checked: 1,
    images_corrupted: 1,
    findings: [{ type: 'ref-resolve-failed' }],
  });
});

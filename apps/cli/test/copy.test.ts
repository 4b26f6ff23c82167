import { imageIndex, image, layoutFiles, writeLayout } from '@cfskit/fixtures';
import { makeCertificate, startTestRegistry, type TestRegistry } from '@cfskit/registry/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { failure, json, ok, run, scratch } from './harness.ts';
import { contentOf, putImage } from './registry-fixture.ts';
import { sampleImage } from './stored-fixture.ts';

const path = scratch();
const sample = sampleImage();
const AMD64 = { os: 'linux', architecture: 'amd64' };
const ARM64 = { os: 'linux', architecture: 'arm64' };
const other = image({ layers: sample.layers.slice(1), platform: ARM64 });
const index = imageIndex([
  { image: sample.image, platform: AMD64 },
  { image: other, platform: ARM64 },
]);
/** A layer is in both images. */
const BLOBS = new Set([...contentOf(sample.image), ...contentOf(other)].map(({ descriptor }) => descriptor.digest)).size;
const USER = { username: 'alice', password: 'correct horse' };
let open: TestRegistry;
let closed: TestRegistry;
beforeAll(async () => {
  open = await startTestRegistry();
  closed = await startTestRegistry({ login: { scheme: 'basic', ...USER } });
  putImage(open, 'team/app', sample.image, 'one');
  await writeLayout(path('layout'), layoutFiles([{ image: index, tag: 'v1' }]));
});
afterAll(async () => {
  await open.close();
  await closed.close();
});
const world = (): object => ({ cwd: path(), env: { HOME: path('home'), XDG_RUNTIME_DIR: path('run') } });

it('takes an index whole from a layout through a registry, an archive and a directory, byte for byte', async () => {
  const { digest } = index.descriptor;
  const [registry, archive] = [`docker://${open.registry}/all:v2`, 'oci-archive:all.tar:v3'];
  for (const [from, to] of [
    ['oci:layout:v1', registry],
    [registry, archive],
    [archive, 'oci:again:v4'],
  ] as const) {
    expect(await json('copy', ['copy', from, to, '-q'], world())).toEqual({
      manifest_digest: digest,
      blobs_copied: BLOBS,
      blobs_mounted: 0,
      blobs_present: 0,
      bytes_copied: expect.any(Number),
    });
  }
  expect(await json('copy', ['copy', 'oci:again:v4', registry, '-q'], world())).toMatchObject({
    blobs_copied: 0,
    blobs_present: BLOBS,
    bytes_copied: 0,
  });
  expect(open.repository('all').manifest('v2')?.bytes).toEqual(new Uint8Array(index.bytes));
});

it('takes one platform, and blobs from another name of the same registry', async () => {
  const { digest } = other.descriptor;
  expect(await ok(['copy', 'oci:layout:v1', 'dir:one', '--platform=linux/arm64', '-q'], world())).toBe(`manifest ${digest}\n`);
  expect(await ok(['manifest', 'dir:one', '--digest'], world())).toBe(`${digest}\n`);
  const mounted = await json('copy', ['copy', `docker://${open.registry}/team/app:one`, `docker://${open.registry}/b:one`, '-q'], world());
  expect(mounted).toMatchObject({ blobs_copied: 0, blobs_mounted: contentOf(sample.image).length });
});

it('shows the credentials of each side to that side', async () => {
  const to = `docker://${closed.registry}/a:v1`;
  expect(await failure(['copy', 'oci:layout:v1', to], world())).toMatchObject({ code: 1, error: { code: 'UNAUTHORIZED' } });
  await ok(['copy', `docker://${open.registry}/team/app:one`, to, '--dest-creds', 'alice:correct horse', '-q'], world());
  expect(open.requests.filter(({ headers }) => headers.authorization !== undefined)).toEqual([]);
  await ok(['copy', to, 'oci:back', '--creds=alice', '--password-stdin', '-q'], { ...world(), stdin: [Buffer.from('correct horse')] });
});

it('verifies the certificate of each side, unless it is told not to for that side', async () => {
  await using self = await startTestRegistry({ tls: makeCertificate(['127.0.0.1']) });
  const there = `docker://${self.registry}/a:v1`;
  await ok(['copy', 'oci:layout:v1', there, '--dest-tls-verify=false', '-q'], world());
  await ok(['copy', there, 'oci:unchecked', '--tls-verify=false', '-q'], world());
  await ok(['copy', there, there, '--tls-verify=false', '-q'], world());
  for (const argv of [
    ['copy', there, 'oci:checked', '--dest-tls-verify=false'],
    ['copy', 'oci:layout:v1', there, '--tls-verify=false', '--dest-tls-verify'],
  ]) {
    expect(await failure(argv, world())).toMatchObject({ code: 1, error: { code: 'TLS' } });
  }
});

it.each([
  [['copy', 'oci:layout:v1', 'oci:x', '--creds=a:b'], 2, '--creds: wanted an image in a registry'],
  [['copy', 'oci:layout:v1', 'oci:x', '--dest-creds=a:b'], 2, '--dest-creds: wanted an image in a registry'],
  [['copy', 'oci:layout:v1', 'docker://a.b/c', '--dest-creds=a'], 2, '--dest-creds: wanted USER:PASSWORD'],
  [['copy', 'oci:layout:v1', 'oci:x', '--platform=all'], 2, 'leave --platform out'],
  [['copy', 'oci:layout:v1'], 2, 'missing DST'],
  [['copy', 'oci:layout:v1', 'x'], 2, 'DST: Missing'],
  [
    ['copy', 'oci:layout:v1', 'docker-archive:x'],
    1,
    "transport 'docker-archive' is not supported; supported: docker://NAME, oci:DIR[:TAG], oci-archive",
  ],
  [['copy', 'containers-storage:x', 'oci:x'], 1, "transport 'containers-storage' is not supported"],
] as const)('%j is refused', async (argv, code, message) => {
  const ended = await run(argv, world());
  expect(ended).toMatchObject({ code, stdout: '' });
  expect(ended.stderr).toContain(message);
});

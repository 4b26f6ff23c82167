import { mkdir } from 'node:fs/promises';
import { beforeAll, expect, it } from 'vitest';
import { failure, json, ok, run, scratch } from './harness.ts';
import { storedSample } from './stored-fixture.ts';

const path = scratch();
const stored = storedSample();
beforeAll(async () => {
  await mkdir(path('point'));
});

it('would mount the image that is linked', async () => {
  const id = (await ok(['oci', 'compute-id', '--repo', stored.repo, 'demo'])).trim();
  const argv = ['oci', 'mount', '--dry-run', '--repo', stored.repo];
  expect(await json('mount', [...argv, 'demo', path('point')])).toMatchObject({
    image_id: id,
    mountpoint: path('point'),
    verity: false,
    kind: 'kernel',
  });
  expect(await failure([...argv, 'demo', path('point'), '--erofs-version=2'])).toMatchObject({ code: 1, error: { code: 'NO_IMAGE' } });
});

it('insists on a label with --sealed', async () => {
  const argv = ['oci', 'mount', '--dry-run', '--sealed', '--repo', stored.repo];
  const refused = await run([...argv, 'demo', path('point')]);
  expect(refused).toMatchObject({ code: 1, stdout: '' });
  expect(refused.stderr).toContain('Can only mount sealed containers');
  await ok(['oci', 'seal', '--repo', stored.repo, 'demo', '--mode=label', '--tag=sealed', '-q']);
  const id = (await ok(['oci', 'compute-id', '--repo', stored.repo, 'demo'])).trim();
  expect(await json('mount', [...argv, 'sealed', path('point')])).toMatchObject({ image_id: id });
});

it('says what to do about an image without', async () => {
  await ok(['init', '--insecure', path('none')]);
  await ok(['pull', '--repo', path('none'), `oci:${stored.layout}:v1`, 'demo', '-q', '--no-image', '--platform=linux/amd64']);
  const ended = await run(['oci', 'mount', '--dry-run', '--repo', path('none'), 'demo', path('point')]);
  expect(ended).toMatchObject({ code: 1, stdout: '' });
  expect(ended.stderr).toContain('No composefs EROFS image linked — try re-pulling the image');
});

it.each([
  [['oci', 'mount', 'demo'], 'missing DIR'],
  [['oci', 'mount', '@x', '/mnt'], 'REF: '],
  [['oci', 'mount', 'demo', '/mnt', '--read-write'], '--read-write needs'],
  [['oci', 'mount', '--fuse', 'demo', '/mnt'], 'cfsctl has it'],
])('%j is wrong usage', async (argv, message) => {
  const ended = await run(argv, { cwd: path() });
  expect(ended).toMatchObject({ code: 2, stdout: '' });
  expect(ended.stderr).toContain(message);
});

it('is what mount without oci points at', async () => {
  const { error } = await failure(['mount', '--dry-run', '--repo', stored.repo, 'demo', path('point')]);
  expect(error).toMatchObject({ code: 'NOT_FOUND', message: expect.stringContaining('"cfskit oci mount" mounts it') });
});

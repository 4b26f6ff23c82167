import { imageIndex, layoutFiles, layoutTar } from '@cfskit/fixtures';
import { startTestRegistry } from '@cfskit/registry/testing';
import { writeFile } from 'node:fs/promises';
import { beforeAll, expect, it } from 'vitest';
import { failure, ok, run, scratch } from './harness.ts';
import { putImage } from './registry-fixture.ts';
import { sampleImage } from './stored-fixture.ts';

const path = scratch();
const { image } = sampleImage();
const index = imageIndex([{ image, platform: { os: 'linux', architecture: 'amd64' } }]);
const archive = 'oci-archive:all.tar:v1';
beforeAll(() => writeFile(path('all.tar'), layoutTar(layoutFiles([{ image: index, tag: 'v1' }]))));

it('prints an index as it is, or follows it', async () => {
  expect((await run(['manifest', archive], { cwd: path() })).bytes).toEqual(new Uint8Array(index.bytes));
  expect((await run(['manifest', archive, '--platform=linux/amd64'], { cwd: path() })).bytes).toEqual(new Uint8Array(image.bytes));
  expect(await ok(['manifest', archive, '--digest'], { cwd: path() })).toBe(`${index.descriptor.digest}\n`);
  expect(await failure(['manifest', archive], { cwd: path() })).toMatchObject({ code: 2, stdout: '' });
  const missing = await run(['manifest', archive, '--platform=linux/s390x'], { cwd: path() });
  expect(missing).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('linux/amd64') });
});

it('asks a registry for the manifest alone', async () => {
  const registry = await startTestRegistry();
  putImage(registry, 'a', image, 'v1');
  const { bytes } = await run(['manifest', `docker://${registry.registry}/a:v1`, '--no-creds']);
  expect(bytes).toEqual(new Uint8Array(image.bytes));
  expect(registry.requests.filter(({ path: asked }) => asked.includes('/blobs/'))).toEqual([]);
  await registry.close();
});

it('says what there is and what can be done, when it cannot', async () => {
  await using registry = await startTestRegistry({ login: { scheme: 'basic', username: 'me', password: 'secret' } });
  putImage(registry, 'a', image, 'v1');
  const name = `docker://${registry.registry}/a`;
  const hint = 'hint   log in with `cfskit login REGISTRY`, or give --creds USER:PASSWORD';
  expect(await run(['manifest', `${name}:v1`, '--no-creds'])).toMatchObject({ code: 1, stderr: expect.stringContaining(hint) });
  const missing = await run(['manifest', `${name}:v2`, '--creds=me:secret']);
  expect(missing).toMatchObject({ code: 1, stderr: expect.stringContaining('; available: v1\n') });
  const noTransport = await run(['manifest', `${registry.registry}/a:v1`]);
  expect(noTransport).toMatchObject({ code: 2, stderr: expect.stringContaining('; wanted docker://NAME, oci:DIR[:TAG]') });
});

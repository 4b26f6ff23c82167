import { imageIndex, layoutFiles, layoutTar } from '@cfskit/fixtures';
import { startTestRegistry } from '@cfskit/registry/testing';
import { writeFile } from 'node:fs/promises';
import { beforeAll, expect, it } from 'vitest';
import { document, failure, json, ok, run, scratch } from './harness.ts';
import { putImage } from './registry-fixture.ts';
import { sampleImage, storedSample } from './stored-fixture.ts';

const path = scratch();
const { image } = sampleImage();
const index = imageIndex([{ image, platform: { os: 'linux', architecture: 'amd64' } }]);
const { digest } = image.descriptor;
const text = new TextDecoder().decode(image.bytes);
const PLATFORM = '--platform=linux/amd64';
const archive = 'oci-archive:all.tar:v1';
const stored = storedSample();
beforeAll(async () => {
  await writeFile(path('all.tar'), layoutTar(layoutFiles([{ image: index, tag: 'v1' }])));
});
const world = (): object => ({ cwd: path(), env: { HOME: path('home') } });

it('reads a source where there is no tag of that text, with and without a repository', async () => {
  for (const options of [['--no-repo'], [], ['--repo', stored.repo]]) {
    const found = await json('oci-inspect-source', ['inspect', archive, PLATFORM, ...options], world());
    expect(found).toMatchObject({ manifest: text, resolved: 'source', manifest_digest: digest, index_digest: index.descriptor.digest });
  }
  expect(document('oci-inspect-source-parsed', await ok(['inspect', archive, PLATFORM, '--parsed'], world()))).toMatchObject({
    manifest: { schemaVersion: 2 },
    config: { architecture: 'amd64' },
    platform: 'linux/amd64',
  });
  expect(await ok(['inspect', archive, PLATFORM, '--manifest'], world())).toBe(`${text}\n`);
  expect(await ok(['inspect', archive, PLATFORM, '--config'], world())).toContain('"rootfs"');
});

it('prefers a tag of exactly that text, unless --remote; stored: forces the other side', async () => {
  await ok(['tag', '--repo', stored.repo, 'demo', archive]);
  const at = ['--repo', stored.repo, PLATFORM];
  expect(await json('oci-inspect', ['inspect', archive, ...at], world())).toMatchObject({ resolved: 'tag' });
  expect(await json('oci-inspect', ['inspect', `stored:${archive}`, ...at], world())).toMatchObject({ resolved: 'tag' });
  expect(await json('oci-inspect', ['inspect', 'stored:demo', ...at], world())).toMatchObject({ resolved: 'tag' });
  expect(await json('oci-inspect-source', ['inspect', archive, '--remote', ...at], world())).toMatchObject({ resolved: 'source' });
  await ok(['untag', '--repo', stored.repo, archive]);
});

it('reads no layer of an image in a registry', async () => {
  const registry = await startTestRegistry();
  putImage(registry, 'a', image, 'v1');
  const found = await json('oci-inspect-source', ['inspect', `docker://${registry.registry}/a:v1`, '--no-repo', '--no-creds'], world());
  expect(found).toMatchObject({ manifest: text, manifest_digest: digest });
  expect(registry.requests.filter(({ path: asked }) => asked.includes('/blobs/'))).toHaveLength(1);
  await registry.close();
});

it('fails with what is wrong with the one side or the other', async () => {
  expect(await failure(['inspect', 'stored:oci:x', '--repo', stored.repo], world())).toMatchObject({
    code: 1,
    error: { code: 'NOT_FOUND' },
  });
  expect(await failure(['inspect', 'demo', '--remote'], world())).toMatchObject({ code: 2, error: { code: 'USAGE' } });
  expect(await failure(['inspect', 'docker-daemon:x', '--no-repo'], world())).toMatchObject({ code: 1, error: { code: 'UNSUPPORTED' } });
  expect(await failure(['inspect', archive, '--repo', path('nowhere')], world())).toMatchObject({ code: 1, stdout: '' });
  const ended = await run(['inspect', 'oci:nowhere', '--no-repo'], world());
  expect(ended).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('nowhere') });
});

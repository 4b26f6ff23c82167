import { readFile, rm, writeFile } from 'node:fs/promises';
import { blobPath, flipBit, imageIndex, layoutFiles, layoutTar, toBlob } from '@cfskit/fixtures';
import { mediaTypes, type Descriptor } from '@cfskit/oci-spec';
import { startTestRegistry, type TestRegistry } from '@cfskit/registry/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { failure, json, ok, run, scratch } from './harness.ts';
import { contentOf, putImage } from './registry-fixture.ts';
import { sampleImage } from './stored-fixture.ts';

const path = scratch();
const sample = sampleImage();
const index = imageIndex([{ image: sample.image, platform: { os: 'linux', architecture: 'amd64' } }]);
const sizes = contentOf(sample.image).reduce((sum, { descriptor }) => sum + descriptor.size, 0);
const { digest } = sample.image.descriptor;
let registry: TestRegistry;
let source = '';
beforeAll(async () => {
  registry = await startTestRegistry();
  putImage(registry, 'team/app', index, 'v1');
  source = `docker://${registry.registry}/team/app:v1`;
});
afterAll(() => registry.close());

const fetchTo = (output: string, ...options: readonly string[]): string[] => {
  return ['fetch', source, '--output', output, '--platform=linux/amd64', '-q', '--no-creds', ...options];
};

it('makes a layout that is pulled like any other, under the same tag', async () => {
  expect(await ok(fetchTo('a layout'), { cwd: path() })).toBe(`manifest ${digest}\n`);
  await ok(['init', '--insecure', path('repo')]);
  const pulled = await json('pull', ['pull', '--repo', path('repo'), 'oci:a layout:v1', '-q', '--platform=linux/amd64'], { cwd: path() });
  expect(pulled).toMatchObject({ manifest_digest: digest });
});

it('keeps what is there and right, fetches what is missing or wrong, says so in JSON', async () => {
  const layers = sample.layers.map(({ descriptor }) => descriptor);
  const [first, second] = [layers.at(0)!, layers.at(1)!];
  const config = JSON.parse(Buffer.from(sample.image.bytes).toString()) as { config: { digest: string } };
  const found = await json('fetch', fetchTo(path('kept'), '--jobs=1'));
  expect(found).toEqual({
    manifest_digest: digest,
    config_digest: config.config.digest,
    layers: 2,
    bytes_fetched: sizes,
    bytes_present: 0,
  });
  expect(await json('fetch', fetchTo(path('kept')))).toMatchObject({ bytes_fetched: 0, bytes_present: sizes });
  await rm(path('kept', blobPath(first.digest)));
  const damaged = path('kept', blobPath(second.digest));
  const bytes = await readFile(damaged);
  await writeFile(damaged, flipBit(bytes, 7));
  expect(await json('fetch', fetchTo(path('kept')))).toMatchObject({ bytes_fetched: first.size + second.size });
  expect(await readFile(damaged)).toEqual(bytes);
});

it('fetches a layer that is kept elsewhere if that is asked for, and says so if not', async () => {
  const layer = sample.layers.at(0)!;
  const place = registry.repository('elsewhere');
  const urls = [`${registry.url}/v2/elsewhere/blobs/${place.put(layer.bytes).digest}`];
  const { config } = JSON.parse(Buffer.from(sample.image.bytes).toString()) as { config: Descriptor };
  const foreign = { ...layer.descriptor, mediaType: mediaTypes.foreignLayer, urls };
  const manifest = toBlob(
    Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.manifest, config, layers: [foreign] })),
    mediaTypes.manifest,
  );
  const blobs = contentOf(sample.image).filter(({ descriptor }) => descriptor.digest === config.digest);
  for (const { bytes, descriptor } of blobs) registry.repository('foreign').put(bytes, descriptor.mediaType);
  registry.repository('foreign').put(manifest.bytes, mediaTypes.manifest, 'v1');
  const fetchForeign = (option: string): string[] =>
    fetchTo(path(`foreign ${option}`), `--${option}`).with(1, `docker://${registry.registry}/foreign:v1`);
  expect(await ok(fetchForeign('manifest-only'))).toBe(`manifest ${manifest.descriptor.digest}\n`);
  expect(await failure(fetchForeign('quiet'))).toMatchObject({
    code: 1,
    error: { code: 'FOREIGN_LAYER', detail: { digest: layer.descriptor.digest } },
  });
  expect(await json('fetch', fetchForeign('foreign-layers'))).toMatchObject({
    layers: 1,
    bytes_fetched: layer.descriptor.size + config.size,
  });
});

it('takes the manifest alone, or blobs from a seed', async () => {
  const before = registry.requests.length;
  expect(await json('fetch', fetchTo(path('manifest'), '--manifest-only'))).toMatchObject({
    bytes_fetched: 0,
    bytes_present: 0,
    layers: 2,
  });
  expect(registry.requests.slice(before).filter((request) => request.path.includes('/blobs/'))).toEqual([]);
  await writeFile(path('seed.tar'), layoutTar(layoutFiles([{ image: sample.image, tag: 'v1' }])));
  const offline = await json('fetch', fetchTo(path('offline'), '--seed', path('seed.tar'), '--offline'));
  expect(offline).toMatchObject({ manifest_digest: digest, bytes_fetched: sizes });
});

it('fails with the code of what is wrong', async () => {
  const ended = await failure(fetchTo(path('none')).map((word) => word.replace('team/app', 'team/none')));
  expect(ended).toMatchObject({ code: 1, stdout: '', error: { code: 'NAME_UNKNOWN' } });
});

it.each([
  [['fetch', 'docker://a/b'], 'missing --output DIR'],
  [['fetch', 'docker://a/b', '--output='], 'missing --output DIR'],
  [['fetch', 'docker://a.b/C', '--output', 'x'], 'REF: '],
  [['fetch', 'alpine', '--output', 'x'], 'REF: Missing'],
  [['fetch', 'docker://a/b', '--output', 'x', '--platform=all'], 'copy takes an index whole'],
  [['fetch', '--output', 'x'], 'missing REF'],
])('%j is wrong usage', async (argv, message) => {
  const ended = await run(argv, { cwd: path() });
  expect(ended).toMatchObject({ code: 2, stdout: '' });
  expect(ended.stderr).toContain(message);
});

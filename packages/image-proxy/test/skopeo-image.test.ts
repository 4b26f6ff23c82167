import { digestOf } from '@cfskit/oci-spec';
import { readFileSync, statSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { image, readAll, settled } from './fake/fake-skopeo.ts';
import { channels, fakeSkopeo } from './fake/fakes.ts';

describe.each(channels)('versions of the protocol, %s', (via) => {
  it.each(['0.2.3', '0.2.6', '0.2.8', '0.2.11-dev'])('%s is spoken', async (version) => {
    const skopeo = fakeSkopeo({ version });
    expect(await skopeo.open({ via }).resolve()).toMatchObject({ descriptor: { digest: digestOf(Buffer.from(image.plan.manifest!)) } });
    const warned = skopeo.warnings.some((text) => text.includes('signature policy'));
    expect(warned).toBe(version === '0.2.3');
  });

  it.each(['0.2.2', '0.1.9', '0.3.0', '1.2.3'])('%s is refused', async (version) => {
    const skopeo = fakeSkopeo({ version });
    const error: unknown = await skopeo
      .open({ via })
      .resolve()
      .catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'UNSUPPORTED_VERSION' });
    expect((error as Error).message).toContain(version);
    expect((error as Error).message).toContain('0.2.3');
    expect(await skopeo.leftovers()).toEqual([]);
  });

  it('something that is no version is refused', async () => {
    await expect(fakeSkopeo({ version: 'soon' }).open({ via }).resolve()).rejects.toMatchObject({ code: 'PROTOCOL' });
  });
});

describe('a program', () => {
  it('that is not there', () => {
    expect(() => fakeSkopeo().open({ skopeo: 'no-such-skopeo' })).toThrow(
      expect.objectContaining({ code: 'SKOPEO_MISSING', message: expect.stringMatching(/^no-such-skopeo is not on PATH; /) as string }),
    );
    expect(() => fakeSkopeo().open({ skopeo: './no/skopeo' })).toThrow(expect.objectContaining({ code: 'SKOPEO_MISSING' }));
  });

  it('that is not executable', () => {
    const skopeo = fakeSkopeo();
    expect(() => skopeo.open({ skopeo: `${skopeo.directory}/plan.json` })).toThrow(
      expect.objectContaining({ code: 'SKOPEO_MISSING', message: expect.stringContaining('plan.json is not executable') as string }),
    );
  });

  it.each(['packet', 'ipc', 'staging'] as const)('that ends at once is quoted in one line, %s', async (via) => {
    const stderr = 'Usage: skopeo\ntime="2026-01-01T00:00:00Z" level=fatal msg="unknown flag: --sockfd\\nand so on"\n';
    const skopeo = fakeSkopeo({ exit: { stderr, status: 1 } });
    const error: unknown = await skopeo
      .open({ via })
      .resolve()
      .catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'SKOPEO_FAILED', retryable: false });
    expect((error as Error).message).toMatch(/ended with status 1: unknown flag: --sockfd and so on$/);
    expect(await skopeo.leftovers()).toEqual([]);
  });
});

describe('a manifest', () => {
  const original = JSON.stringify({
    ...(JSON.parse(image.plan.manifest!) as object),
    mediaType: 'application/vnd.docker.distribution.manifest.v2+json',
  });

  it('that skopeo has rewritten is replaced by the original', async () => {
    const skopeo = fakeSkopeo({ manifestDigest: digestOf(Buffer.from(original)), inspected: original });
    const { descriptor, raw } = await skopeo.open().resolve();
    expect(descriptor).toMatchObject({
      digest: digestOf(Buffer.from(original)),
      mediaType: 'application/vnd.docker.distribution.manifest.v2+json',
    });
    expect(Buffer.from(raw).toString()).toBe(original);
    const inspecting = skopeo.log().find(({ event, args }) => event === 'start' && args?.includes('inspect') === true);
    expect(inspecting?.args?.at(-1)).toBe(`docker://example.org/app@${descriptor.digest}`);
  });

  it('that is not what skopeo says is refused', async () => {
    const skopeo = fakeSkopeo({ manifestDigest: digestOf(Buffer.from('something else')) });
    await expect(skopeo.open().resolve()).rejects.toMatchObject({ code: 'MANIFEST_MISMATCH' });
    expect(await skopeo.leftovers()).toEqual([]);
  });

  it('that names another config than there is is refused', async () => {
    const skopeo = fakeSkopeo({ blobs: { [image.config.digest]: Buffer.alloc(image.config.size, ' ').toString('base64') } });
    await expect(skopeo.open().resolve()).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' });
  });

  it('that is not there', async () => {
    const skopeo = fakeSkopeo({ version: '0.2.4', manifest: undefined });
    await expect(skopeo.open().resolve()).rejects.toMatchObject({ code: 'IMAGE_NOT_FOUND' });
    const old = fakeSkopeo({ version: '0.2.3', manifest: undefined });
    await expect(old.open().resolve()).rejects.toMatchObject({ code: 'REFUSED', message: 'skopeo: manifest unknown' });
  });
});

describe('references', () => {
  it.each([
    ['docker://example.org/app:1', '2', 'docker://example.org/app:2'],
    ['docker://example.org/app:1', `sha256:${'0'.repeat(64)}`, `docker://example.org/app@sha256:${'0'.repeat(64)}`],
    [`docker://example.org/app:1@sha256:${'0'.repeat(64)}`, undefined, `docker://example.org/app@sha256:${'0'.repeat(64)}`],
    ['docker://alpine', undefined, 'docker://alpine'],
    ['oci:a/b:c', 'd', 'oci:a/b:d'],
    [`containers-storage:sha256:${'1'.repeat(64)}`, undefined, `containers-storage:${'1'.repeat(64)}`],
    ['docker-daemon:app:1', undefined, 'docker-daemon:app:1'],
  ])('%s with the tag %s is %s', async (reference, tag, sent) => {
    const skopeo = fakeSkopeo();
    await skopeo.open({}, reference).resolve(tag === undefined ? {} : { tag });
    expect(skopeo.log().find(({ event }) => event === 'OpenImageOptional')?.args).toEqual([sent]);
  });

  it.each(['docker-daemon:app:1', 'containers-storage:app', 'dir:app'])('%s has no tags to choose from', async (reference) => {
    await expect(fakeSkopeo().open({}, reference).resolve({ tag: 'x' })).rejects.toMatchObject({ code: 'TAG_UNSUPPORTED' });
  });
});

const info = (digest: string, size: number): object => ({ digest, size, media_type: 'application/vnd.oci.image.layer.v1.tar' });

describe('layers as they are stored', () => {
  it.each(['0.2.5', '0.2.7'])('are asked for in a containers storage, %s', async (version) => {
    const skopeo = fakeSkopeo({ version, layerInfo: [info(image.layer.digest, 5)] });
    const source = skopeo.open({}, 'containers-storage:app');
    expect(await source.storedLayers(await source.resolve())).toEqual([
      { mediaType: 'application/vnd.oci.image.layer.v1.tar', digest: image.layer.digest, size: 5 },
    ]);
    expect(skopeo.events()).toContain(version === '0.2.5' ? 'GetLayerInfo' : 'GetLayerInfoPiped');
  });

  it('must be as many as in the manifest', async () => {
    const source = fakeSkopeo({ layerInfo: [] }).open({}, 'containers-storage:app');
    await expect(source.storedLayers(await source.resolve())).rejects.toMatchObject({ code: 'LAYER_COUNT' });
  });

  it.each([[null], [{}], [[1]], [[info('sha256:x', 1)]], [[info(image.layer.digest, -1)]]])('are refused as %j', async (layerInfo) => {
    const source = fakeSkopeo({ layerInfo }).open({}, 'containers-storage:app');
    await expect(source.storedLayers(await source.resolve())).rejects.toMatchObject({ code: 'PROTOCOL' });
  });

  it.each(['0.2.5', '0.2.7'])('may be hundreds, %s', async (version) => {
    const layers = Array.from({ length: 300 }, (_, i) => ({ ...image.layer, digest: `sha256:${String(i).padStart(64, '0')}` }));
    const ids = layers.map(({ digest }) => digest);
    const config = JSON.stringify({ os: 'linux', architecture: 'amd64', rootfs: { type: 'layers', diff_ids: ids } });
    const configDigest = digestOf(Buffer.from(config));
    const manifest = JSON.stringify({ schemaVersion: 2, config: { ...image.config, digest: configDigest, size: config.length }, layers });
    const blobs = { [configDigest]: Buffer.from(config).toString('base64') };
    const layerInfo = ids.map((digest, i) => info(digest, i));
    await Promise.all(
      channels.map(async (via) => {
        const source = fakeSkopeo({ version, manifest, blobs, layerInfo }).open({ via }, 'containers-storage:app');
        const stored = await source.storedLayers(await source.resolve());
        expect(stored.map(({ digest, size }) => [digest, size])).toEqual(ids.map((digest, i) => [digest, i]));
      }),
    );
  });

  it('are known by their diff_ids elsewhere, whatever their media type', async () => {
    const manifest = image.plan.manifest!.replace('layer.v1.tar"', 'layer.v1.tar+gzip"');
    const source = fakeSkopeo({ manifest }).open({}, 'docker-daemon:app:1');
    const resolved = await source.resolve();
    expect(await source.storedLayers(resolved)).toEqual([{ ...image.layer, mediaType: 'application/vnd.oci.image.layer.v1.tar' }]);
  });
});

it('hands credentials over in a file that others cannot read', async () => {
  const skopeo = fakeSkopeo();
  await skopeo.open({ creds: 'user:secret' }).resolve();
  const args = skopeo.log().at(0)!.args as readonly string[];
  expect(args.join(' ')).not.toContain('secret');
  const file = args.at(args.indexOf('--authfile') + 1)!;
  expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual({
    auths: { 'example.org': { auth: Buffer.from('user:secret').toString('base64') } },
  });
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(await skopeo.leftovers()).toEqual([]);
});

it('starts nothing before it is asked, and can be closed unused', async () => {
  const skopeo = fakeSkopeo();
  const source = skopeo.open();
  expect(source.describe()).toBe('docker://example.org/app:1');
  await source.close();
  await source.close();
  await expect(source.resolve()).rejects.toMatchObject({ code: 'CLOSED' });
  await expect(readAll(source.open(image.layer))).rejects.toMatchObject({ code: 'CLOSED' });
  expect(skopeo.log()).toEqual([]);
});

it('has one proxy for all who read at once', async () => {
  const skopeo = fakeSkopeo();
  const source = skopeo.open();
  const blobs = await Promise.all([1, 2, 3, 4].map(() => readAll(source.open(image.layer))));
  expect(blobs.every((bytes) => bytes.equals(image.layerBytes))).toBe(true);
  expect(skopeo.events().filter((event) => event === 'start' || event.startsWith('Open'))).toEqual(['start', 'OpenImageOptional']);
});

it('starts another proxy for another platform, and the first one ends', async () => {
  const skopeo = fakeSkopeo();
  const source = skopeo.open();
  await source.resolve();
  await expect(source.resolve({ platform: { os: 'linux', architecture: 's390x' } })).rejects.toMatchObject({ code: 'NO_MATCH' });
  const starts = skopeo.log().filter(({ event }) => event === 'start');
  expect(starts.at(1)!.args).toEqual(expect.arrayContaining(['--override-os', 'linux', '--override-arch', 's390x']));
  const isEnded = (): boolean => skopeo.log().some(({ event, pid }) => event === 'Shutdown' && pid === starts.at(0)!.pid);
  await settled(isEnded); // it is told in the background
  expect(isEnded()).toBe(true);
});

import { image } from '@cfskit/fixtures';
import { loadImage, parsePlatform } from '@cfskit/oci-spec';
import { describe, expect, it } from 'vitest';
import type { TestRegistry, TestRegistryOptions } from '../src/testing/index.ts';
import { answered, collect, failure, pattern, scripted, store, testClient, testRegistry } from './support.ts';

const packaged = image();
const BUSY: TestRegistryOptions = { intercept: (_, response) => answered(response.writeHead(503).end()) };

async function withMirror(mirrorOptions: TestRegistryOptions = {}) {
  const origin = await testRegistry();
  const mirror = await testRegistry(mirrorOptions);
  store(origin.repository('a/b'), packaged, 'v1');
  const warnings: string[] = [];
  const client = testClient({
    defaults: { plainHttp: 'always' },
    registries: { [origin.registry]: { mirrors: [`${mirror.registry}/cache`] } },
    onWarning: (text) => void warnings.push(text),
  });
  return { origin, mirror, client, warnings, name: `${origin.registry}/a/b:v1` };
}

const paths = ({ requests }: TestRegistry): readonly string[] => requests.map(({ path }) => path);

describe('a mirror', () => {
  it('serves what it has, and the registry is not asked', async () => {
    const { origin, mirror, client, name } = await withMirror();
    store(mirror.repository('cache/a/b'), packaged, 'v1');
    await loadImage(client.source(name), { platform: parsePlatform('linux/amd64') });
    expect(paths(origin)).toEqual([]);
    expect(paths(mirror)[0]).toBe('/v2/cache/a/b/manifests/v1');
  });

  it('without the image is passed over in silence', async () => {
    const { client, warnings, name } = await withMirror();
    expect((await client.fetchManifest(name)).descriptor.digest).toBe(packaged.descriptor.digest);
    expect(warnings).toEqual([]);
  });

  it('that is down is passed over with a warning, after one more try', async () => {
    const { mirror, client, warnings, name } = await withMirror(BUSY);
    expect((await client.fetchManifest(name)).descriptor.digest).toBe(packaged.descriptor.digest);
    expect(warnings).toHaveLength(2);
    expect(warnings[1]).toMatch(new RegExp(`^mirror ${mirror.registry}: GET .* 503`));
    expect(mirror.requests).toHaveLength(2);
  });

  it.each([
    ['the wrong bytes for a digest', packaged.descriptor.digest],
    ['what is no manifest, for a tag', undefined],
  ])('that serves %s is passed over', async (_, digest) => {
    const { mirror, client, warnings, name } = await withMirror();
    store(mirror.repository('cache/a/b'), packaged, 'v1');
    mirror
      .repository('cache/a/b')
      .manifests.set(packaged.descriptor.digest, { mediaType: packaged.descriptor.mediaType, bytes: pattern(7) });
    expect((await client.fetchManifest(digest === undefined ? name : `${name}@${digest}`)).raw).toEqual(packaged.bytes);
    expect(warnings).toHaveLength(1);
  });

  it('that breaks off in the middle of a blob is continued elsewhere, at that byte', async () => {
    const bytes = pattern(900_000);
    const { origin, mirror, client, name } = await withMirror({
      intercept: (request, response) => {
        if (request.headers.range !== undefined) response.writeHead(500).end();
        else response.writeHead(200, { 'content-length': 900_000 }).write(bytes.subarray(0, 400_000), () => response.destroy());
        return true;
      },
    });
    const descriptor = origin.repository('a/b').put(bytes);
    expect(Buffer.from(await collect(client.fetchBlob(name, descriptor))).equals(bytes)).toBe(true);
    expect(mirror.requests).toHaveLength(2);
    expect(origin.requests.map(({ headers }) => headers.range)).toEqual(['bytes=400000-']);
  });

  it('with a blob of another size is passed over', async () => {
    const { origin, mirror, client, name } = await withMirror();
    const descriptor = origin.repository('a/b').put(pattern(5000));
    mirror.repository('cache/a/b').blobs.set(descriptor.digest, pattern(4000));
    expect((await collect(client.fetchBlob(name, descriptor))).byteLength).toBe(5000);
  });

  it('gets no credentials of the registry, nor the registry its', async () => {
    const asked: unknown[] = [];
    const login = { scheme: 'basic', username: 'u', password: 'p' } as const;
    const origin = await testRegistry({ login });
    const mirror = await testRegistry({ login });
    store(origin.repository('a'), packaged, 'v1');
    const client = testClient({
      credentials: ({ registry }) => Promise.resolve(asked.push(registry) > 0 && registry === origin.registry ? login : undefined),
      registries: { [origin.registry]: { mirrors: [mirror.registry] } },
    });
    await client.fetchManifest(`${origin.registry}/a:v1`);
    expect(asked).toEqual([mirror.registry, origin.registry]);
    expect(mirror.requests.map(({ headers }) => headers.authorization)).toEqual([undefined]);
  });

  it('is not written to, nor asked for lists', async () => {
    const { mirror, client, name } = await withMirror();
    await client.pushArtifact(name, { artifactType: 'application/x' });
    await Array.fromAsync(client.listTags(name));
    await client.headManifest(name);
    await client.listReferrers(name, packaged.descriptor.digest);
    expect(mirror.requests).toEqual([]);
  });

  it('and the registry both failing give the error of the registry', async () => {
    const { client, name } = await withMirror(BUSY);
    expect(await failure(client.fetchManifest(name.replace('v1', 'v2')))).toMatchObject({ code: 'MANIFEST_UNKNOWN' });
  });

  it('is not waited for after an abort', async () => {
    const { promise: asked, resolve } = Promise.withResolvers<void>();
    const mirror = await scripted(() => resolve());
    const origin = await testRegistry();
    const client = testClient({ registries: { [origin.registry]: { mirrors: [mirror.host] } } });
    const controller = new AbortController();
    const fetching = failure(client.fetchManifest(`${origin.registry}/a:v1`, { signal: controller.signal }));
    await asked;
    controller.abort();
    expect((await fetching).name).toBe('AbortError');
    expect(origin.requests).toEqual([]);
  });

  it('of all registries is no mirror of itself', async () => {
    const registry = await testRegistry();
    const client = testClient({ defaults: { plainHttp: 'always', mirrors: [registry.registry] } });
    await failure(client.fetchManifest(`${registry.registry}/a:v1`));
    expect(registry.requests).toHaveLength(1);
  });

  it('has to be a name', async () => {
    const client = testClient({ registries: { 'docker.io': { mirrors: ['https://mirror'] } } });
    expect((await failure(client.fetchManifest('alpine'))).name).toBe('OciRefError');
  });
});

import { artifact, EMPTY_BLOB, image, imageIndex, sha256, tar, tarLayer, toBlob } from '@cfskit/fixtures';
import { digestOf, mediaTypes, parseIndex, parseManifest, parsePlatform } from '@cfskit/oci-spec';
import { LayoutBuilder, memoryImageSource } from '@cfskit/oci-spec/testing';
import { collectingReporter } from '@cfskit/progress';
import { describe, expect, it } from 'vitest';
import { answered, collect, failure, pattern, scripted, store, testClient, testRegistry } from './support.ts';

const AMD64 = parsePlatform('linux/amd64');
const packaged = image({ layers: [tarLayer(tar([{ path: 'a' }]))] });

describe('pushManifest', () => {
  it('stores the bytes as they are, under the tag', async () => {
    const registry = await testRegistry();
    store(registry.repository('a'), packaged);
    const raw = new TextEncoder().encode(` ${new TextDecoder().decode(packaged.bytes)}\n`);
    const descriptor = await testClient().pushManifest(`${registry.registry}/a:v1`, raw);
    expect(descriptor).toEqual({ mediaType: mediaTypes.manifest, digest: sha256(raw), size: raw.byteLength });
    expect(registry.repository('a').manifest('v1')).toMatchObject({ mediaType: mediaTypes.manifest, bytes: raw });
  });

  it('stores under the digest where there is no tag', async () => {
    const registry = await testRegistry();
    store(registry.repository('a'), packaged);
    const client = testClient();
    await client.pushManifest(`${registry.registry}/a`, packaged.bytes);
    await client.pushManifest(`${registry.registry}/a@${packaged.descriptor.digest}`, packaged.bytes);
    expect(registry.requests.map(({ path }) => path)).toEqual(Array(2).fill(`/v2/a/manifests/${packaged.descriptor.digest}`));
    expect([...registry.repository('a').tags]).toEqual([]);
  });

  it('says which blob is missing', async () => {
    const registry = await testRegistry();
    const error = await failure(testClient().pushManifest(`${registry.registry}/a:v1`, packaged.bytes));
    expect(error).toMatchObject({
      code: 'REJECTED',
      errors: [{ code: 'MANIFEST_BLOB_UNKNOWN', detail: expect.stringContaining('sha256:') as unknown }],
    });
  });

  it.each([
    ['no JSON', new Uint8Array([0x7b]), 'INVALID_JSON'],
    ['neither manifest nor index', new TextEncoder().encode('{}'), 'UNSUPPORTED_MANIFEST'],
  ])('sends nothing that is %s', async (_, raw, code) => {
    const server = await scripted(() => undefined);
    expect(await failure(testClient().pushManifest(`${server.host}/a:v1`, raw))).toMatchObject({ code });
    expect(server.seen).toEqual([]);
  });

  it('sends nothing under the digest of something else', async () => {
    const error = await failure(testClient().pushManifest(`a.example/b@${sha256(new Uint8Array(1))}`, packaged.bytes));
    expect(error).toBeInstanceOf(RangeError);
  });

  it('notices when the registry stored something else', async () => {
    const server = await scripted(
      (_, response) => void response.writeHead(201, { 'docker-content-digest': sha256(new Uint8Array(1)) }).end(),
    );
    expect(await failure(testClient().pushManifest(`${server.host}/a:v1`, packaged.bytes))).toMatchObject({ code: 'DIGEST_HEADER' });
  });

  it('is tried again', async () => {
    const registry = await testRegistry({
      intercept: (_, response) => registry.requests.length === 1 && answered(response.writeHead(503).end()),
    });
    store(registry.repository('a'), packaged);
    await testClient().pushManifest(`${registry.registry}/a:v1`, packaged.bytes);
    expect(registry.requests).toHaveLength(2);
  });
});

const sbom = { artifactType: 'application/vnd.example.sbom', annotations: { tool: 'x' }, subject: packaged.descriptor };

describe.each([true, false])('referrers, with a registry that keeps track of them: %s', (referrers) => {
  it('are pushed and listed', async () => {
    const registry = await testRegistry({ referrers });
    store(registry.repository('a'), packaged, 'v1');
    const client = testClient();
    const name = `${registry.registry}/a`;
    expect(await client.listReferrers(name, packaged.descriptor.digest)).toEqual([]);
    const first = await client.pushArtifact(name, { ...sbom, layers: [{ mediaType: 'text/plain', content: pattern(100) }] });
    const second = await client.pushArtifact(name, { ...sbom, artifactType: 'application/vnd.example.signature' });
    expect(await client.listReferrers(name, packaged.descriptor.digest)).toEqual([
      { ...first, artifactType: sbom.artifactType, annotations: sbom.annotations },
      { ...second, artifactType: 'application/vnd.example.signature', annotations: sbom.annotations },
    ]);
    expect(await client.listReferrers(name, packaged.descriptor.digest, { artifactType: sbom.artifactType })).toHaveLength(1);
    await client.pushArtifact(name, { ...sbom, artifactType: 'application/vnd.example.signature' }); // the same again
    expect(await client.listReferrers(name, packaged.descriptor.digest)).toHaveLength(2);
    const tags = referrers ? ['v1'] : ['v1', packaged.descriptor.digest.replace(':', '-')];
    expect([...registry.repository('a').tags.keys()]).toEqual(tags);
  });
});

describe('the fallback tag', () => {
  const fallback = packaged.descriptor.digest.replace(':', '-');

  it('keeps what others have put there', async () => {
    const registry = await testRegistry({ referrers: false });
    const repository = registry.repository('a');
    store(repository, packaged, 'v1');
    const other = artifact({ ...sbom, artifactType: 'application/other' });
    store(repository, other);
    const list = {
      schemaVersion: 2,
      mediaType: mediaTypes.index,
      manifests: [{ ...other.descriptor, 'x-extra': 1 }],
      annotations: { a: 'b' },
      'x-top': true,
    };
    repository.put(new TextEncoder().encode(JSON.stringify(list)), mediaTypes.index, fallback);
    await testClient().pushArtifact(`${registry.registry}/a`, sbom);
    const now = JSON.parse(new TextDecoder().decode(repository.manifest(fallback)!.bytes)) as typeof list;
    expect(now).toMatchObject({ annotations: { a: 'b' }, 'x-top': true });
    expect(now.manifests).toHaveLength(2);
    expect(now.manifests[0]).toEqual(list.manifests[0]);
  });

  it('is written again when another writer has won', async () => {
    let puts = 0;
    const registry = await testRegistry({
      referrers: false,
      intercept: (request) => {
        // Before the list is read for the second time, somebody else replaces it.
        if (request.method === 'PUT' && request.url!.includes(fallback)) puts++;
        else if (puts === 1 && request.url!.includes(fallback)) {
          puts++;
          registry
            .repository('a')
            .put(
              new TextEncoder().encode(JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.index, manifests: [] })),
              mediaTypes.index,
              fallback,
            );
        }
        return false;
      },
    });
    store(registry.repository('a'), packaged, 'v1');
    const descriptor = await testClient().pushArtifact(`${registry.registry}/a`, sbom);
    expect(puts).toBe(3);
    const list = parseIndex(registry.repository('a').manifest(fallback)!.bytes);
    expect(list.manifests.map(({ digest }) => digest)).toEqual([descriptor.digest]);
  });

  it('is given up after three tries', async () => {
    const registry = await testRegistry({
      referrers: false,
      intercept: (request) => {
        if (request.method === 'GET') registry.repository('a').tags.delete(fallback);
        return false;
      },
    });
    store(registry.repository('a'), packaged, 'v1');
    const error = await failure(testClient().pushArtifact(`${registry.registry}/a`, sbom));
    expect(error).toMatchObject({ code: 'REJECTED' });
    expect(error.message).toContain('is stored, but not listed');
    expect(registry.requests.filter(({ method, path }) => method === 'PUT' && path.includes(fallback))).toHaveLength(3);
  });

  it('that stands on a manifest is left alone', async () => {
    const registry = await testRegistry({ referrers: false });
    store(registry.repository('a'), packaged, fallback);
    const client = testClient();
    expect(await failure(client.pushArtifact(`${registry.registry}/a`, sbom))).toMatchObject({ code: 'MEDIA_TYPE_MISMATCH' });
    expect(await failure(client.listReferrers(`${registry.registry}/a`, packaged.descriptor.digest))).toMatchObject({
      code: 'UNEXPECTED_MEDIA_TYPE',
    });
  });
});

describe('pushArtifact', () => {
  it('uses the empty blob for what there is none of', async () => {
    const registry = await testRegistry();
    const client = testClient();
    const descriptor = await client.pushArtifact(`${registry.registry}/a:v1`, { artifactType: 'application/x' });
    const found = await client.fetchManifest(`${registry.registry}/a:v1`);
    expect(found.descriptor.digest).toBe(descriptor.digest);
    expect(found.kind === 'manifest' && [found.manifest.config, ...found.manifest.layers]).toEqual([
      EMPTY_BLOB.descriptor,
      EMPTY_BLOB.descriptor,
    ]);
  });

  it('streams what does not fit into memory', async () => {
    const registry = await testRegistry();
    const client = testClient();
    const bytes = pattern(300_000);
    async function* open(): AsyncGenerator<Uint8Array, void> {
      yield await Promise.resolve(bytes);
    }
    const content = { digest: digestOf(bytes), size: bytes.byteLength, open };
    const layer = { mediaType: 'application/x', content, annotations: { 'org.opencontainers.image.title': 'x.bin' } };
    await client.pushArtifact(`${registry.registry}/a:v1`, { artifactType: 'application/x', layers: [layer] });
    const found = await client.fetchManifest(`${registry.registry}/a:v1`);
    expect(found.kind).toBe('manifest');
    const manifest = parseManifest(found.raw);
    expect(manifest.layers.map(({ annotations }) => annotations)).toEqual([layer.annotations]);
    expect(await collect(client.fetchBlob(`${registry.registry}/a`, manifest.layers.at(0)!))).toEqual(bytes);
  });
});

describe('pushImage', () => {
  const layers = Array.from({ length: 20 }, (_, i) => tarLayer(tar([{ path: `${i}`, content: `${i}` }])));
  const multi = imageIndex([
    { image: image({ layers }), platform: AMD64 },
    { image: image({ layers: layers.slice(0, 2), platform: parsePlatform('linux/arm64') }), platform: parsePlatform('linux/arm64') },
  ]);

  it('pushes an index with everything below it, what is named before what names it, and pulls back the same bytes', async () => {
    const from = await testRegistry();
    const to = await testRegistry({ login: { scheme: 'bearer', username: 'u', password: 'p' } });
    store(from.repository('a'), multi, 'v1');
    const client = testClient({ credentials: () => Promise.resolve({ username: 'u', password: 'p' }) });
    const source = client.source(`${from.registry}/a:v1`);
    const root = await client.fetchManifest(`${from.registry}/a:v1`);
    const reporter = collectingReporter();
    const pushed = await client.pushImage(`${to.registry}/b:v2`, source, root, { jobs: 20, reporter });
    expect(pushed).toMatchObject({ descriptor: root.descriptor, blobsPushed: 22, blobsMounted: 0, blobsPresent: 0 });
    expect(to.repository('b').blobs).toEqual(from.repository('a').blobs);
    expect(to.repository('b').manifests).toEqual(from.repository('a').manifests);
    expect([...to.repository('b').tags]).toEqual([['v2', multi.descriptor.digest]]);
    expect(reporter.events[0]).toMatchObject({ type: 'plan', components: 22 });
    const again = await client.pushImage(`${to.registry}/b:v2`, source, root);
    expect(again).toMatchObject({ blobsPushed: 0, blobsPresent: 22, bytesPushed: 0 });
    const mounted = await client.pushImage(`${to.registry}/c:v2`, source, root, { mountFrom: ['b'] });
    expect(mounted).toMatchObject({ blobsPushed: 0, blobsMounted: 22 });
  });

  it('pushes one image of any source', async () => {
    const builder = new LayoutBuilder();
    const descriptor = builder.image([{ bytes: pattern(5000) }], AMD64);
    const source = memoryImageSource(builder.add(descriptor, { tag: 'x' }).content());
    const registry = await testRegistry();
    const client = testClient();
    await client.pushImage(`${registry.registry}/a:v1`, source, await source.resolve({ tag: 'x', platform: AMD64 }));
    expect((await client.fetchManifest(`${registry.registry}/a:v1`)).descriptor.digest).toBe(descriptor.digest);
  });

  it('leaves foreign layers where they are', async () => {
    const foreign = { ...toBlob(pattern(10), mediaTypes.foreignLayerGzip).descriptor, urls: ['https://a.example/layer'] };
    const raw = new TextEncoder().encode(
      JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.manifest, config: EMPTY_BLOB.descriptor, layers: [foreign] }),
    );
    const registry = await testRegistry();
    registry.repository('from').put(EMPTY_BLOB.bytes);
    const client = testClient();
    const root = { descriptor: { mediaType: mediaTypes.manifest, digest: digestOf(raw), size: raw.byteLength }, raw };
    expect(await client.pushImage(`${registry.registry}/a:v1`, client.source(`${registry.registry}/from`), root)).toMatchObject({
      blobsPushed: 1,
    });
  });

  it('names nothing when a blob is missing, and stops the other uploads', async () => {
    const from = await testRegistry();
    store(from.repository('a'), multi, 'v1');
    from.repository('a').blobs.delete(layers.at(7)!.descriptor.digest);
    const to = await testRegistry();
    const client = testClient();
    const root = await client.fetchManifest(`${from.registry}/a:v1`);
    const error = await failure(client.pushImage(`${to.registry}/b:v2`, client.source(`${from.registry}/a`), root));
    expect(error).toMatchObject({ code: 'BLOB_UNKNOWN', digest: layers.at(7)!.descriptor.digest });
    expect(to.repository('b').manifests.size).toBe(0);
    expect(to.repository('b').blobs.size).toBeLessThan(21);
  });

  it('does not push under the digest of something else', async () => {
    const from = await testRegistry();
    store(from.repository('a'), packaged, 'v1');
    const client = testClient();
    const root = await client.fetchManifest(`${from.registry}/a:v1`);
    const name = `${from.registry}/b@${multi.descriptor.digest}`;
    expect(await failure(client.pushImage(name, client.source(`${from.registry}/a`), root))).toBeInstanceOf(RangeError);
  });
});

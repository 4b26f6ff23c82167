import { describe, expect, it } from 'vitest';
import { image, imageIndex, artifact, sha256, sha512 } from '@cfskit/fixtures';
import { mediaTypes } from '@cfskit/oci-spec';
import { failure, scripted, store, testClient, testRegistry, type Scripted } from './support.ts';

const packaged = image();
const index = imageIndex([{ image: packaged, platform: { os: 'linux', architecture: 'amd64' } }]);

/** A server that has one document. */
async function serving(body: Uint8Array | string, headers: Readonly<Record<string, string>> = {}): Promise<Scripted> {
  return await scripted((_, response) => void response.writeHead(200, headers).end(body));
}

const fetched = async (body: Uint8Array | string, headers: Readonly<Record<string, string>> = {}, reference = ':v1') => {
  const server = await serving(body, headers);
  return await testClient().fetchManifest(`${server.host}/a${reference}`);
};
const without = (key: string, value: object): string => JSON.stringify({ ...value, [key]: undefined });
const body = (bytes: Uint8Array): object => JSON.parse(new TextDecoder().decode(bytes)) as object;

describe('fetchManifest', () => {
  it.each([
    ['a manifest', packaged, 'manifest'],
    ['an index', index, 'index'],
    ['a Docker manifest', image({ mediaType: mediaTypes.dockerManifest }), 'manifest'],
    ['a Docker list', imageIndex([{ image: packaged }], { mediaType: mediaTypes.dockerManifestList }), 'index'],
    ['an artifact', artifact({ artifactType: 'application/x' }), 'manifest'],
  ] as const)('fetches %s, byte for byte', async (_, document, kind) => {
    const registry = await testRegistry();
    store(registry.repository('a'), document, 'v1');
    for (const reference of [':v1', `@${document.descriptor.digest}`, `:other@${document.descriptor.digest}`]) {
      const found = await testClient().fetchManifest(`${registry.registry}/a${reference}`);
      expect(found.kind).toBe(kind);
      expect(found.raw).toEqual(document.bytes);
      expect(found.descriptor).toEqual({
        mediaType: document.descriptor.mediaType,
        digest: document.descriptor.digest,
        size: document.bytes.byteLength,
      });
    }
  });

  it('keeps white space, order and unknown members, which are part of the digest', async () => {
    const text = ` ${JSON.stringify({ zebra: [1.0, '\u00e9'], ...body(packaged.bytes) }, undefined, 3)}\n\n`;
    const found = await fetched(text, { 'content-type': mediaTypes.manifest });
    expect(new TextDecoder().decode(found.raw)).toBe(text);
    expect(found.descriptor.digest).toBe(sha256(new TextEncoder().encode(text)));
  });

  it('accepts all four kinds and asks for latest', async () => {
    const server = await serving(packaged.bytes, { 'content-type': mediaTypes.manifest });
    await testClient().fetchManifest(`${server.host}/a/b`);
    expect(server.seen[0]).toMatchObject({
      path: '/v2/a/b/manifests/latest',
      headers: {
        accept: [mediaTypes.index, mediaTypes.manifest, mediaTypes.dockerManifestList, mediaTypes.dockerManifest].join(', '),
        'user-agent': 'cfskit-registry',
      },
    });
  });

  it.each([
    ['parameters', `${mediaTypes.index}; charset=utf-8`],
    ['upper case', mediaTypes.index.toUpperCase()],
    ['a generic type', 'application/json'],
    ['a type that is none', 'text/plain; charset=utf-8'],
    ['no type', ''],
  ])('knows an index by a header with %s', async (_, type) => {
    const found = await fetched(index.bytes, type === '' ? {} : { 'content-type': type });
    expect([found.kind, found.descriptor.mediaType]).toEqual(['index', mediaTypes.index]);
  });

  it('knows a document by its members when nothing else says what it is', async () => {
    expect((await fetched(without('mediaType', body(index.bytes)))).descriptor.mediaType).toBe(mediaTypes.index);
    expect(
      (await fetched(without('mediaType', body(packaged.bytes)), { 'content-type': 'application/octet-stream' })).descriptor.mediaType,
    ).toBe(mediaTypes.manifest);
    expect(
      (await fetched(without('mediaType', body(packaged.bytes)), { 'content-type': mediaTypes.dockerManifest })).descriptor.mediaType,
    ).toBe(mediaTypes.dockerManifest);
  });

  it('takes the digest that the registry announces, once it is proven, of whichever hash', async () => {
    const found = await fetched(packaged.bytes, { 'content-type': mediaTypes.manifest, 'docker-content-digest': sha512(packaged.bytes) });
    expect(found.descriptor.digest).toBe(sha512(packaged.bytes));
    const unknown = await fetched(packaged.bytes, { 'content-type': mediaTypes.manifest, 'docker-content-digest': 'blake3:abc' });
    expect(unknown.descriptor.digest).toBe(packaged.descriptor.digest);
  });

  it('asks by sha512 too', async () => {
    const digest = sha512(packaged.bytes);
    expect((await fetched(packaged.bytes, { 'content-type': mediaTypes.manifest }, `@${digest}`)).descriptor.digest).toBe(digest);
  });

  it.each([
    ['NAME_UNKNOWN', 'NAME_UNKNOWN'],
    ['MANIFEST_UNKNOWN', 'MANIFEST_UNKNOWN'],
    ['NOT_FOUND', 'MANIFEST_UNKNOWN'],
  ])('tells a 404 with %s', async (said, code) => {
    const server = await scripted(
      (_, response) =>
        void response
          .writeHead(404)
          .end(JSON.stringify({ errors: [{ code: said, message: 'no\nsuch\u001b[31m', detail: { Tag: 'v1' } }] })),
    );
    const error = await failure(testClient().fetchManifest(`${server.host}/a:v1`));
    expect(error).toMatchObject({
      code,
      status: 404,
      registry: server.host,
      repository: 'a',
      url: `${server.url}/v2/a/manifests/v1`,
      errors: [{ code: said, message: 'no such [31m', detail: '{"Tag":"v1"}' }],
    });
    expect(error.message).toBe(`GET ${server.url}/v2/a/manifests/v1: the server answered 404: ${said}: no such [31m {"Tag":"v1"}`);
  });

  it.each([
    [400, 'REJECTED'],
    [401, 'UNSUPPORTED_CHALLENGE'],
    [403, 'DENIED'],
    [404, 'MANIFEST_UNKNOWN'],
    [418, 'UNEXPECTED_STATUS'],
    [204, 'UNEXPECTED_STATUS'],
    [429, 'TOO_MANY_REQUESTS'],
    [501, 'SERVER_ERROR'],
    [503, 'SERVER_ERROR'],
  ])('tells status %i', async (status, code) => {
    const server = await scripted((_, response) => void response.writeHead(status).end());
    expect(await failure(testClient({ retry: { attempts: 1 } }).fetchManifest(`${server.host}/a:v1`))).toMatchObject({ code, status });
  });

  it.each(['', 'nothing', '[]', '{"errors":7}', '{"errors":[7,{"code":{}}]}', `{"errors":"${'x'.repeat(100_000)}"}`])(
    'does not need errors to be told in order: %.20s',
    async (text) => {
      const server = await scripted((_, response) => void response.writeHead(404).end(text));
      expect(await failure(testClient().fetchManifest(`${server.host}/a:v1`))).toMatchObject({ code: 'MANIFEST_UNKNOWN' });
    },
  );
});

describe('headManifest', () => {
  it('tells what the registry says', async () => {
    const registry = await testRegistry();
    store(registry.repository('a'), packaged, 'v1');
    const client = testClient();
    const { mediaType, digest, size } = packaged.descriptor;
    expect(await client.headManifest(`${registry.registry}/a:v1`)).toEqual({ mediaType, digest, size });
    expect(await client.headManifest(`${registry.registry}/a:v2`)).toBeUndefined();
    expect(registry.requests.every(({ method }) => method === 'HEAD')).toBe(true);
  });

  it.each([
    ['no digest', { 'docker-content-digest': '' }],
    ['a digest that is a path', { 'docker-content-digest': 'sha256:../../x' }],
    ['no type', { 'content-type': 'text/html' }],
  ])('refuses an answer with %s', async (_, headers) => {
    const good = { 'content-type': mediaTypes.manifest, 'content-length': '7', 'docker-content-digest': packaged.descriptor.digest };
    const server = await scripted((__, response) => void response.writeHead(200, { ...good, ...headers }).end());
    expect(await failure(testClient().headManifest(`${server.host}/a:v1`))).toMatchObject({ code: 'BAD_RESPONSE' });
  });
});

describe('names', () => {
  it.each([['Alpine'], ['a/b:'], [''], ['reg.example:99999/a'], ['a@sha256:../../x'], ['localhost/../a']])(
    'are checked before anything is sent: %s',
    async (name) => {
      const error = await failure(testClient().fetchManifest(name));
      expect(error.name).toBe('OciRefError');
    },
  );

  it('are checked also when they come in parts', async () => {
    const error = await failure(testClient().fetchManifest({ hostname: '127.0.0.1', name: '../../etc' }));
    expect(error).toMatchObject({ code: 'INVALID_NAME' });
  });
});

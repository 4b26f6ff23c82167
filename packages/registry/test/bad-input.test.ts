import type { ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';
import { artifact, image, imageConfig, imageIndex, jsonBlob, sha256, sha512, tar, tarLayer, toBlob, type Packaged } from '@cfskit/fixtures';
import { loadImage, mediaTypes, parsePlatform, readBlob, type Descriptor } from '@cfskit/oci-spec';
import { describe, expect, it } from 'vitest';
import { credentialsFor, type HttpRequest, type HttpResponse } from '../src/index.ts';
import { collect, failure, pattern, scripted, store, testClient, testClock, testRegistry, type Scripted } from './support.ts';

// What a hostile, broken or misconfigured server may send, case by case, and what comes of it.

const AMD64 = parsePlatform('linux/amd64');
const packaged = image({ layers: [tarLayer(tar([{ path: 'a', content: 'alpha' }]))] });
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const bytesOf = (value: unknown): Uint8Array => new TextEncoder().encode(typeof value === 'string' ? value : JSON.stringify(value));
const members = (document: Packaged): Record<string, unknown> => JSON.parse(text(document.bytes)) as Record<string, unknown>;

async function serving(
  body: Uint8Array | string,
  headers: Readonly<Record<string, string>> = { 'content-type': mediaTypes.manifest },
): Promise<Scripted> {
  return await scripted((_, response) => void response.writeHead(200, headers).end(body));
}

async function fetching(
  body: Uint8Array | string,
  headers?: Readonly<Record<string, string>>,
  reference = ':v1',
): Promise<Error & { readonly code: string }> {
  const { host } = await serving(body, headers);
  return await failure(testClient().fetchManifest(`${host}/a${reference}`));
}

const withLayer = (layer: object): string =>
  JSON.stringify({ ...members(packaged), layers: [{ ...packaged.blobs.at(2)!.descriptor, ...layer }] });

describe('digests', () => {
  const hex = 'a'.repeat(64);
  const bad = [
    'sha256:../../etc/x',
    `sha256:${hex.toUpperCase()}`,
    `sha256:${hex.slice(1)}`,
    'sha256:',
    '',
    `sha512:${hex}`,
    'sha256',
    `sha256:${hex}/../x`,
  ];

  it.each(bad)('%j in a manifest is refused', async (digest) => {
    expect(await fetching(withLayer({ digest }))).toMatchObject({ code: 'INVALID_DIGEST', path: 'layers[0].digest' });
  });

  it.each([...bad, `sha1:${'a'.repeat(40)}`])('%j never becomes part of a request', async (digest) => {
    const server = await serving('');
    const client = testClient();
    const name = `${server.host}/a`;
    const descriptor = { mediaType: 'x', digest, size: 5 };
    for (const work of [
      () => collect(client.fetchBlob(name, descriptor)),
      () => collect(client.openBlob(name, descriptor)),
      () => collect(client.source(name).open({ ...descriptor, mediaType: mediaTypes.manifest })),
      () => client.hasBlob(name, descriptor),
      () => client.downloadBlob(name, descriptor, '/nonexistent/x'),
      () => client.pushBlob(name, descriptor, new Uint8Array(5)),
    ]) {
      const { code } = await failure((async () => await work())());
      expect(['INVALID_DIGEST', 'UNKNOWN_ALGORITHM']).toContain(code);
    }
    expect(server.seen).toEqual([]);
  });

  it('of sha1 may stand in a manifest, but what they name cannot be fetched', async () => {
    const { host } = await serving(withLayer({ digest: `sha1:${'a'.repeat(40)}` }));
    const { kind } = await testClient().fetchManifest(`${host}/a:v1`);
    expect(kind).toBe('manifest');
  });

  it('of referrers are checked too', async () => {
    const server = await serving('');
    expect(await failure(testClient().listReferrers(`${server.host}/a`, 'sha256:../x'))).toMatchObject({ code: 'INVALID_DIGEST' });
    expect(server.seen).toEqual([]);
  });
});

describe('manifests', () => {
  it('with other bytes than the digest asked for', async () => {
    const error = await fetching(`${text(packaged.bytes)} `, undefined, `@${packaged.descriptor.digest}`);
    expect(error).toMatchObject({
      name: 'VerifyError',
      code: 'DIGEST_MISMATCH',
      expected: packaged.descriptor.digest,
      actual: sha256(bytesOf(`${text(packaged.bytes)} `)),
    });
    expect(error.message).toContain(packaged.descriptor.digest);
  });

  it.each([
    ['of something else', sha256(bytesOf('x'))],
    ['that is a path', 'sha256:../../x'],
    ['of another hash', sha512(bytesOf('x'))],
    ['twice', `${packaged.descriptor.digest}, ${packaged.descriptor.digest}`],
  ])('with a Docker-Content-Digest %s', async (_, digest) => {
    const headers = { 'content-type': mediaTypes.manifest, 'docker-content-digest': digest };
    expect(await fetching(packaged.bytes, headers)).toMatchObject({
      code: 'DIGEST_HEADER',
      digest: expect.stringMatching(/^sha/) as unknown,
    });
    expect(await fetching(packaged.bytes, headers, `@${packaged.descriptor.digest}`)).toMatchObject({ code: 'DIGEST_HEADER' });
  });

  const index = imageIndex([{ image: packaged, platform: AMD64 }]);
  it.each([
    ['an index announced as a manifest', index.bytes, mediaTypes.manifest, 'MEDIA_TYPE_MISMATCH'],
    ['a manifest announced as an index', packaged.bytes, mediaTypes.index, 'MEDIA_TYPE_MISMATCH'],
    [
      'a Docker manifest announced as one of OCI',
      image({ mediaType: mediaTypes.dockerManifest }).bytes,
      mediaTypes.manifest,
      'MEDIA_TYPE_MISMATCH',
    ],
    [
      'an index by members, announced as a manifest',
      bytesOf({ ...members(index), mediaType: undefined }),
      mediaTypes.manifest,
      'MEDIA_TYPE_MISMATCH',
    ],
    [
      'a body that calls itself an index and is none',
      bytesOf({ ...members(packaged), mediaType: mediaTypes.index }),
      'application/json',
      'MEDIA_TYPE_MISMATCH',
    ],
    ['layers and manifests', bytesOf({ ...members(packaged), manifests: [] }), mediaTypes.manifest, 'AMBIGUOUS_DOCUMENT'],
    [
      'manifests and a config',
      bytesOf({ ...members(index), config: packaged.blobs.at(1)!.descriptor }),
      mediaTypes.index,
      'AMBIGUOUS_DOCUMENT',
    ],
    ['layers of schema 1', bytesOf({ ...members(packaged), fsLayers: [] }), mediaTypes.manifest, 'AMBIGUOUS_DOCUMENT'],
    ['neither', bytesOf({ schemaVersion: 2 }), mediaTypes.manifest, 'UNSUPPORTED_MANIFEST'],
    ['another kind of document', bytesOf({ ...members(packaged), mediaType: 'application/x' }), 'application/x', 'UNSUPPORTED_MANIFEST'],
    [
      'schema 1',
      bytesOf({ schemaVersion: 1, fsLayers: [] }),
      'application/vnd.docker.distribution.manifest.v1+prettyjws',
      'UNSUPPORTED_MANIFEST',
    ],
    ['schema 1 without saying so', bytesOf({ schemaVersion: 1, fsLayers: [] }), 'application/json', 'UNSUPPORTED_MANIFEST'],
  ])('of doubtful type: %s', async (_, body, type, code) => {
    expect(await fetching(body, { 'content-type': type })).toMatchObject({ code });
  });

  it('whose descriptor announced another type', async () => {
    const registry = await testRegistry();
    const child = { ...packaged.descriptor, mediaType: mediaTypes.dockerManifest, platform: AMD64 };
    const lying = jsonBlob({ schemaVersion: 2, mediaType: mediaTypes.index, manifests: [child] }, mediaTypes.index);
    store(registry.repository('a'), packaged);
    registry.repository('a').put(lying.bytes, mediaTypes.index, 'v1');
    expect(await failure(testClient().source(`${registry.registry}/a:v1`).resolve({ platform: AMD64 }))).toMatchObject({
      code: 'MEDIA_TYPE_MISMATCH',
    });
  });

  it('in an index whose digest or size is wrong', async () => {
    for (const [change, code] of [
      [{ digest: sha256(bytesOf('x')) }, 'MANIFEST_UNKNOWN'],
      [{ size: 7 }, 'SIZE_MISMATCH'],
    ] as const) {
      const registry = await testRegistry();
      store(registry.repository('a'), packaged);
      const manifests = [{ ...packaged.descriptor, platform: AMD64, ...change }];
      registry.repository('a').put(bytesOf({ schemaVersion: 2, mediaType: mediaTypes.index, manifests }), mediaTypes.index, 'v1');
      expect(await failure(testClient().source(`${registry.registry}/a:v1`).resolve({ platform: AMD64 }))).toMatchObject({ code });
    }
  });

  it('nested a thousand deep', async () => {
    const registry = await testRegistry();
    store(registry.repository('a'), packaged);
    let entry: Descriptor = { ...packaged.descriptor, platform: AMD64 };
    for (let i = 0; i < 1000; i++) {
      entry = registry
        .repository('a')
        .put(bytesOf({ schemaVersion: 2, mediaType: mediaTypes.index, manifests: [entry] }), mediaTypes.index, 'deep');
    }
    expect(await failure(testClient().source(`${registry.registry}/a:deep`).resolve({ platform: AMD64 }))).toMatchObject({
      code: 'NESTED_INDEX',
    });
    expect(registry.requests.length).toBeLessThan(10);
  });

  it('an index that contains itself, as far as that is possible', async () => {
    // No hash has such a fixed point, so the registry has to lie, and is found out.
    const self = (digest: string): Uint8Array =>
      bytesOf({ schemaVersion: 2, mediaType: mediaTypes.index, manifests: [{ mediaType: mediaTypes.index, digest, size: 235 }] });
    const digest = sha256(bytesOf('me'));
    const server = await serving(self(digest), { 'content-type': mediaTypes.index });
    expect(await failure(testClient().source(`${server.host}/a:v1`).resolve({ platform: AMD64 }))).toMatchObject({
      code: 'DIGEST_MISMATCH',
    });
    expect(server.seen).toHaveLength(2);
  });

  it('of ten thousand layers are read, for they fit', async () => {
    const layers = Array.from({ length: 10_000 }, (_, i) => toBlob(bytesOf(`${i}`), mediaTypes.layer).descriptor);
    const { host } = await serving(JSON.stringify({ ...members(packaged), layers }));
    const found = await testClient().fetchManifest(`${host}/a:v1`);
    expect(found.kind === 'manifest' && found.manifest.layers.length).toBe(10_000);
  });

  it.each([
    [
      'by their header',
      (response: ServerResponse): void => void response.writeHead(200, { 'content-length': 100 * 1024 * 1024 }).write('{'),
    ],
    ['by their body', (response: ServerResponse): void => pour(response)],
  ])('of a hundred megabytes, %s', async (_, answer) => {
    const server = await scripted((__, response) => answer(response));
    expect(await failure(testClient().fetchManifest(`${server.host}/a:v1`))).toMatchObject({ code: 'TOO_LARGE' });
  });

  it.each([
    ['negative', -1],
    ['a fraction', 1.5],
    ['2^53', 2 ** 53],
    ['infinite', Infinity],
    ['text', '5'],
    ['missing', undefined],
  ])('with a size that is %s', async (_, size) => {
    expect(await fetching(withLayer({ size }))).toMatchObject({ code: 'INVALID_FIELD', path: 'layers[0].size' });
  });

  it('with a size of a tebibyte, which costs nothing', async () => {
    const size = 2 ** 40;
    const { host } = await serving(withLayer({ size }));
    const client = testClient({ retry: { attempts: 1 } });
    const found = await client.fetchManifest(`${host}/a:v1`);
    const layer = found.kind === 'manifest' ? found.manifest.layers.at(0)! : undefined;
    expect(await failure(collect(client.fetchBlob(`${host}/a`, layer!)))).toMatchObject({ code: 'SIZE_MISMATCH' });
    expect(await failure(readBlob(client.source(`${host}/a`), layer!))).toMatchObject({ code: 'TOO_LARGE' });
  });

  it.each([
    ['the same key twice', '{"schemaVersion":2,"layers":[],"layers":[]}', 'DUPLICATE_KEY'],
    ['a key twice, once in escapes', String.raw`{"config":1,"\u0063onfig":2}`, 'DUPLICATE_KEY'],
    ['a byte order mark', `\ufeff${text(packaged.bytes)}`, 'INVALID_JSON'],
    ['bytes that are no UTF-8', new Uint8Array([0x7b, 0xff, 0x7d]), 'INVALID_UTF8'],
    ['half of it', text(packaged.bytes).slice(0, 90), 'INVALID_JSON'],
    ['nothing', '', 'INVALID_JSON'],
    ['brackets without end', '['.repeat(100_000), 'TOO_DEEP'],
    ['a list', '[]', 'UNSUPPORTED_MANIFEST'],
    ['__proto__ for members', `{"__proto__":${text(packaged.bytes)}}`, 'UNSUPPORTED_MANIFEST'],
    ['a config that is none', JSON.stringify({ schemaVersion: 2, config: null, layers: [] }), 'INVALID_FIELD'],
  ] as const)('made of %s', async (_, body, code) => {
    expect(await fetching(body)).toMatchObject({ code });
  });

  it('with more or fewer layers than diff_ids', async () => {
    const config = imageConfig({ diffIds: [sha256(bytesOf('a')), sha256(bytesOf('b'))] });
    const registry = await testRegistry();
    store(registry.repository('a'), image({ layers: [tarLayer(tar([]))], config }), 'v1');
    expect(await failure(loadImage(testClient().source(`${registry.registry}/a:v1`), { platform: AMD64 }))).toMatchObject({
      code: 'LAYER_COUNT',
    });
  });

  it('with one layer twice are an image like any other', async () => {
    const layer = tarLayer(tar([{ path: 'a' }]));
    const registry = await testRegistry();
    store(registry.repository('a'), image({ layers: [layer, layer] }), 'v1');
    const { layers } = await loadImage(testClient().source(`${registry.registry}/a:v1`), { platform: AMD64 });
    expect(layers.map(({ diffId }) => diffId)).toEqual([layer.diffId, layer.diffId]);
  });
});

describe('blobs', () => {
  const { bytes, descriptor } = toBlob(pattern(100_000), mediaTypes.layer);
  const fetchBlob = async (
    answer: (response: ServerResponse) => void,
    wanted: Descriptor = descriptor,
  ): Promise<Error & { readonly code: string }> => {
    const server = await scripted((_, response) => answer(response));
    return await failure(collect(testClient({ retry: { attempts: 2 } }).fetchBlob(`${server.host}/a`, wanted)));
  };

  it.each([
    [
      'shorter, and says so',
      (response: ServerResponse): void => void response.writeHead(200, { 'content-length': 99_999 }).end(bytes.subarray(0, 99_999)),
      'SIZE_MISMATCH',
    ],
    [
      'longer, and says so',
      (response: ServerResponse): void =>
        void response.writeHead(200, { 'content-length': 100_001 }).end(Buffer.concat([bytes, Buffer.of(0)])),
      'SIZE_MISMATCH',
    ],
    ['shorter', (response: ServerResponse): void => void response.writeHead(200).end(bytes.subarray(0, 99_999)), 'SIZE_MISMATCH'],
    ['longer', (response: ServerResponse): void => void response.writeHead(200).end(Buffer.concat([bytes, Buffer.of(0)])), 'SIZE_MISMATCH'],
    ['longer, without end', (response: ServerResponse): void => pour(response), 'SIZE_MISMATCH'],
    ['other bytes', (response: ServerResponse): void => void response.writeHead(200).end(pattern(100_000).fill(1)), 'DIGEST_MISMATCH'],
    ['cut off each time before the first byte', (response: ServerResponse): void => void response.destroy(), 'CONNECTION'],
    [
      'a part that nobody asked for',
      (response: ServerResponse): void => void response.writeHead(206, { 'content-range': 'bytes 0-99999/100000' }).end(bytes),
      'BAD_RANGE',
    ],
    [
      'a login page',
      (response: ServerResponse): void => void response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end('<html>'),
      'NOT_A_REGISTRY',
    ],
    [
      'a login page that says how long it is',
      (response: ServerResponse): void => void response.writeHead(200, { 'content-type': 'text/html', 'content-length': 6 }).end('<html>'),
      'NOT_A_REGISTRY',
    ],
    [
      'packed for transport',
      (response: ServerResponse): void => void response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(bytes)),
      'SIZE_MISMATCH',
    ],
  ] as const)('%s', async (_, answer, code) => {
    expect(await fetchBlob(answer)).toMatchObject({ code });
  });

  it('a web page that is the blob is one', async () => {
    const page = toBlob(bytesOf('<html>'), 'text/html');
    const server = await serving('<html>', { 'content-type': 'text/html', 'content-length': '6' });
    expect(text(await collect(testClient().fetchBlob(`${server.host}/a`, page.descriptor)))).toBe('<html>');
  });

  it('mismatches name both values', async () => {
    const error = await fetchBlob((response) => void response.end(pattern(100_000).fill(1)));
    expect(error.message).toContain(descriptor.digest);
    expect(error.message).toContain(sha256(pattern(100_000).fill(1)));
  });

  it('behind URLs of their own are not fetched unless that is allowed', async () => {
    const elsewhere = await serving(bytes, {});
    const registry = await testRegistry();
    registry.repository('a');
    const foreign = { ...descriptor, mediaType: mediaTypes.foreignLayer, urls: [`${elsewhere.url}/layer?sig=1`] };
    const name = `${registry.registry}/a`;
    const secret = { ...foreign, urls: [`${elsewhere.url.replace('//', '//user:password@')}/token/layer?sig=secret`] };
    expect(await failure(collect(testClient().fetchBlob(name, secret)))).toMatchObject({
      code: 'FOREIGN_LAYER',
      message: `the foreign layer ${descriptor.digest} is not in the registry; to fetch it from ${elsewhere.url} has to be allowed`,
      digest: descriptor.digest,
      registry: registry.registry,
    });
    expect(elsewhere.seen).toEqual([]);
    const allowed = testClient({ foreignLayers: true });
    expect(Buffer.from(await collect(allowed.fetchBlob(name, foreign))).equals(bytes)).toBe(true);
    expect(elsewhere.seen[0]).toMatchObject({ path: '/layer?sig=1' });
    expect(elsewhere.seen.at(0)!.headers.authorization).toBeUndefined();
  });

  it.each(['http://169.254.169.254/x', 'file:///etc/passwd', 'https://u:p@a.example/'])(
    'behind %s are not fetched even if it is allowed',
    async (url) => {
      const registry = await testRegistry();
      const client = testClient({ foreignLayers: true });
      const foreign = { ...descriptor, urls: [url] };
      expect(await failure(collect(client.fetchBlob(`${registry.registry}/a`, foreign)))).toMatchObject({ code: 'REDIRECT_REFUSED' });
      registry.repository('a').put(bytes);
      expect((await collect(client.fetchBlob(`${registry.registry}/a`, foreign))).byteLength).toBe(100_000);
    },
  );

  it('can be had without a registry, from the first address that has them', async () => {
    const asked: string[] = [];
    const send = async ({ url, headers }: HttpRequest): Promise<HttpResponse> => {
      asked.push(`${url.href} ${headers['authorization']}`);
      async function* body() {
        yield await Promise.resolve(url.hostname === 'up.example' ? bytes : bytesOf('gone'));
      }
      return await Promise.resolve({
        status: url.hostname === 'up.example' ? 200 : 404,
        headers: {},
        body: body(),
        discard: () => undefined,
      });
    };
    const credentials = credentialsFor({ 'up.example': { username: 'me', password: 'secret' } });
    const client = testClient({ credentials, transport: { send, close: () => Promise.resolve() } });
    const urls = ['http://plain.example/x', 'https://127.0.0.1/x', 'https://down.example/x', 'https://up.example/layer?sig=1'];
    expect(Buffer.from(await collect(client.openForeign({ ...descriptor, urls }))).equals(bytes)).toBe(true);
    expect(asked).toEqual(['https://down.example/x undefined', 'https://up.example/layer?sig=1 undefined']);
    const unreachable = client.openForeign({ ...descriptor, urls: urls.slice(0, 2) });
    expect(await failure(collect(unreachable))).toMatchObject({ code: 'REDIRECT_REFUSED' });
    for (const none of [descriptor, { ...descriptor, urls: [] }]) {
      expect(await failure(collect(client.openForeign(none)))).toMatchObject({ code: 'FOREIGN_LAYER', digest: descriptor.digest });
    }
  });

  it('inside their descriptor are taken from there', async () => {
    const server = await serving('');
    const data = Buffer.from('hello').toString('base64');
    const hello = { ...toBlob(bytesOf('hello'), 'text/plain').descriptor, data };
    expect(text(await collect(testClient().fetchBlob(`${server.host}/a`, hello)))).toBe('hello');
    expect(server.seen).toEqual([]);
  });

  it.each([
    ['of other bytes', Buffer.from('jello').toString('base64')],
    ['of more bytes', Buffer.from('hello!').toString('base64')],
    ['that are no base64', '%%%'],
  ])('inside their descriptor, %s', async (_, data) => {
    const server = await serving('');
    const hello = { ...toBlob(bytesOf('hello'), 'text/plain').descriptor, data };
    expect(await failure(collect(testClient().openBlob(`${server.host}/a`, hello)))).toMatchObject({ code: 'DIGEST_MISMATCH' });
  });
});

describe('pages that are no registry', () => {
  it.each([
    [200, { 'content-type': 'text/html' }, 'NOT_A_REGISTRY'],
    [404, { 'content-type': 'text/html; charset=utf-8' }, 'NOT_A_REGISTRY'],
    [403, { 'content-type': 'text/html' }, 'DENIED'],
    [401, { 'content-type': 'text/html' }, 'UNSUPPORTED_CHALLENGE'],
    [302, { location: '/login', 'content-type': 'text/html' }, 'TOO_MANY_REDIRECTS'],
  ])('status %i with %j', async (status, headers, code) => {
    const server = await scripted((_, response) => void response.writeHead(status, headers).end('<html>Please log in</html>'));
    expect(await failure(testClient().fetchManifest(`${server.host}/a:v1`))).toMatchObject({ code });
  });

  it('are told by ping', async () => {
    for (const [status, headers] of [
      [200, { 'content-type': 'text/html' }],
      [404, {}],
      [401, {}],
    ] as const) {
      const server = await scripted((_, response) => void response.writeHead(status, headers).end());
      expect(await failure(testClient().ping(server.host))).toMatchObject({ code: 'NOT_A_REGISTRY' });
    }
  });
});

describe('a registry that asks for patience', () => {
  it.each([
    ['for a century', '3153600000', [60_000]],
    ['for a negative time', '-100', [500]],
    ['until the past', 'Thu, 01 Jan 1970 00:00:00 GMT', [500]],
    ['for a number beyond numbers', '9'.repeat(400), [60_000]],
    ['for ever', 'Infinity', [500]],
  ])('%s', async (_, retryAfter, slept) => {
    const server = await scripted((__, response, count) => {
      if (count === 0)
        response.writeHead(429, { 'retry-after': retryAfter }).end('{"errors":[{"code":"TOOMANYREQUESTS","message":"slow down"}]}');
      else response.writeHead(200, { 'content-type': mediaTypes.manifest }).end(packaged.bytes);
    });
    const clock = testClock();
    await testClient({ clock }).fetchManifest(`${server.host}/a:v1`);
    expect(clock.slept).toEqual(slept);
  });

  it('in the end is believed', async () => {
    const server = await scripted((_, response) => void response.writeHead(429, { 'retry-after': '1' }).end());
    const error = await failure(testClient().fetchManifest(`${server.host}/a:v1`));
    expect(error).toMatchObject({ code: 'TOO_MANY_REQUESTS', status: 429, retryAfterMs: 1000 });
    expect(server.seen).toHaveLength(5);
  });
});

it('artifacts are resolved and not taken for images', async () => {
  const registry = await testRegistry();
  const sbom = artifact({ artifactType: 'application/x', layers: [toBlob(bytesOf('sbom'), 'text/plain')] });
  store(registry.repository('a'), sbom, 'v1');
  const loaded = await loadImage(testClient().source(`${registry.registry}/a:v1`));
  expect([loaded.config, loaded.layers.length, loaded.resolved.platform]).toEqual([undefined, 1, undefined]);
});

/** Sends until nobody listens any more. */
function pour(response: ServerResponse): void {
  response.writeHead(200);
  const more = (): void => {
    while (!response.destroyed && response.write('x'.repeat(65_536)));
  };
  response.on('drain', more).on('error', () => undefined);
  more();
}

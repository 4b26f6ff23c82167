import type { ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import { image } from '@cfskit/fixtures';
import { anonymous, credentialsFor, type CredentialProvider, type Credentials } from '../src/index.ts';
import type { TestLogin } from '../src/testing/index.ts';
import { failure, scripted, store, testClient, testClock, testRegistry, type Script, type Scripted } from './support.ts';

const ALICE = { username: 'alice', password: 'correct horse' };
const BASIC_ALICE = `Basic ${Buffer.from('alice:correct horse').toString('base64')}`;
const packaged = image();

const always =
  (credentials: Credentials | undefined): CredentialProvider =>
  () =>
    Promise.resolve(credentials);

describe.each(['basic', 'bearer'] as const)('a registry that wants %s', (scheme) => {
  const login: TestLogin = { scheme, ...ALICE };

  it('is pulled from with credentials', async () => {
    const registry = await testRegistry({ login });
    store(registry.repository('a/b'), packaged, 'v1');
    const client = testClient({ credentials: credentialsFor({ [registry.registry]: ALICE }) });
    expect((await client.fetchManifest(`${registry.registry}/a/b:v1`)).descriptor.digest).toBe(packaged.descriptor.digest);
    await client.authenticate(registry.registry);
    expect(await client.ping(registry.registry)).toEqual({ url: registry.url, wantsLogin: true, schemes: [scheme] });
  });

  it('is not pulled from without', async () => {
    const registry = await testRegistry({ login });
    store(registry.repository('a/b'), packaged, 'v1');
    expect(await failure(testClient().fetchManifest(`${registry.registry}/a/b:v1`))).toMatchObject({ code: 'UNAUTHORIZED', status: 401 });
  });

  it('is not pulled from with wrong ones, and not asked for ever', async () => {
    const registry = await testRegistry({ login });
    const client = testClient({ credentials: always({ username: 'alice', password: 'wrong' }) });
    expect(await failure(client.authenticate(registry.registry))).toMatchObject({ code: 'UNAUTHORIZED' });
    expect(registry.requests.length).toBeLessThanOrEqual(2);
  });

  it('is asked without login once per repository', async () => {
    const registry = await testRegistry({ login });
    store(registry.repository('a/b'), packaged, 'v1');
    const client = testClient({ credentials: always(ALICE) });
    for (let i = 0; i < 3; i++) await client.fetchManifest(`${registry.registry}/a/b:v1`);
    expect(registry.requests.filter(({ headers }) => headers.authorization === undefined)).toHaveLength(1);
    expect(registry.requests.filter(({ path }) => path.startsWith('/token'))).toHaveLength(scheme === 'bearer' ? 1 : 0);
  });
});

it('lets anybody pull what is public, and push only with credentials', async () => {
  const registry = await testRegistry({ login: { scheme: 'bearer', anonymousPull: true, ...ALICE } });
  store(registry.repository('a'), packaged, 'v1');
  const client = testClient();
  await client.fetchManifest(`${registry.registry}/a:v1`);
  expect(await failure(client.pushManifest(`${registry.registry}/a:v2`, packaged.bytes))).toMatchObject({ code: 'UNAUTHORIZED' });
});

/** A registry with its token server, of which the test decides what they say. */
async function withTokens(
  challenge: (url: string) => string,
  token: Script,
  good: (authorization: string | undefined) => boolean = (authorization) => authorization === 'Bearer good',
): Promise<Scripted> {
  const server: Scripted = await scripted((request, response, count) => {
    if (!request.url!.startsWith('/v2/')) return token(request, response, count);
    if (good(request.headers.authorization)) {
      response.writeHead(200, { 'content-type': packaged.descriptor.mediaType }).end(packaged.bytes);
      return;
    }
    response.writeHead(401, { 'www-authenticate': challenge(server.url) }).end();
  });
  return server;
}

const bearer = (url: string): string => `Bearer realm="${url}/token",service="s"`;
const json =
  (value: unknown): Script =>
  (_, response) =>
    void response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value));

describe('the token request', () => {
  it('needs a realm only, and asks to pull the repository', async () => {
    const server = await withTokens((url) => `Bearer realm="${url}/token"`, json({ token: 'good' }));
    await testClient().fetchManifest(`${server.host}/a/b:v1`);
    expect(server.seen.at(1)!.path).toBe('/token?scope=repository%3Aa%2Fb%3Apull');
  });

  it('keeps the query of the realm, encodes values, and asks for what the challenge asks for', async () => {
    const rest = 'service="a&b=c",scope="repository:a/b:pull,push registry:catalog:*"';
    const server = await withTokens((url) => `Bearer realm="${url}/token?tenant=1",${rest}`, json({ token: 'good' }));
    await testClient().fetchManifest(`${server.host}/a/b:v1`);
    const query = new URL(server.seen.at(1)!.path, server.url).searchParams;
    expect([...query]).toEqual([
      ['tenant', '1'],
      ['service', 'a&b=c'],
      ['scope', 'registry:catalog:*'],
      ['scope', 'repository:a/b:pull,push'],
    ]);
  });

  it('takes access_token', async () => {
    const server = await withTokens(bearer, json({ access_token: 'good' }));
    await testClient().fetchManifest(`${server.host}/a:v1`);
    expect(server.seen).toHaveLength(3);
  });

  it('prefers bearer where both are offered', async () => {
    const server = await withTokens((url) => `Basic realm="x", ${bearer(url)}`, json({ token: 'good' }));
    await testClient({ credentials: always(ALICE) }).fetchManifest(`${server.host}/a:v1`);
    expect(server.seen.map(({ headers }) => headers.authorization)).toEqual([undefined, BASIC_ALICE, 'Bearer good']);
  });

  it('sends an identity token as a form, to nobody but the token server', async () => {
    const server = await withTokens(bearer, json({ access_token: 'good' }));
    await testClient({ credentials: always({ identityToken: 'refresh&me' }) }).fetchManifest(`${server.host}/a:v1`);
    const token = server.seen.at(1)!;
    expect([token.method, token.path, token.headers.authorization]).toEqual(['POST', '/token', undefined]);
    expect(Object.fromEntries(new URLSearchParams(token.body))).toEqual({
      grant_type: 'refresh_token',
      client_id: 'cfskit',
      refresh_token: 'refresh&me',
      service: 's',
      scope: 'repository:a:pull',
    });
  });

  it('is not made with a registry token, which goes to the registry', async () => {
    const server = await withTokens(bearer, json({}));
    await testClient({ credentials: always({ registryToken: 'good' }) }).fetchManifest(`${server.host}/a:v1`);
    expect(server.seen.map(({ headers }) => headers.authorization)).toEqual([undefined, 'Bearer good']);
  });

  it('is made once for many requests', async () => {
    const server = await withTokens(bearer, json({ token: 'good' }));
    const client = testClient();
    await Promise.all(Array.from({ length: 20 }, () => client.fetchManifest(`${server.host}/a:v1`)));
    expect(server.seen.filter(({ path }) => path.startsWith('/token'))).toHaveLength(1);
  });

  it('goes on for the others when one is aborted', async () => {
    const { promise: asked, resolve: onAsked } = Promise.withResolvers<void>();
    const { promise: released, resolve: release } = Promise.withResolvers<void>();
    const server = await withTokens(bearer, async (request, response, count) => {
      onAsked();
      await released;
      await json({ token: 'good' })(request, response, count);
    });
    const client = testClient();
    const controller = new AbortController();
    const first = failure(client.fetchManifest(`${server.host}/a:v1`, { signal: controller.signal }));
    await asked;
    const second = client.fetchManifest(`${server.host}/a:v1`);
    controller.abort();
    expect((await first).name).toBe('AbortError');
    release();
    expect((await second).kind).toBe('manifest');
  });

  it('is made again before a token expires', async () => {
    let now = 0;
    const server = await withTokens(bearer, json({ token: 'good', expires_in: 100 }));
    const clock = { ...testClock(), now: () => now };
    const client = testClient({ clock });
    for (const at of [0, 80_000, 95_000]) {
      now = at;
      await client.fetchManifest(`${server.host}/a:v1`);
    }
    expect(server.seen.filter(({ path }) => path.startsWith('/token'))).toHaveLength(2);
  });

  it.each([
    ['no lifetime', {}, 53_000, 55_000],
    ['a lifetime that is none', { expires_in: -5 }, 53_000, 55_000],
    ['an age', { expires_in: 100, issued_at: '1970-01-01T00:00:00Z' }, 53_000, 95_000],
    ['an age beyond belief', { expires_in: 100, issued_at: 'yesterday' }, 89_000, 91_000],
  ])('believes %s', async (_, more, before, after) => {
    let now = 0;
    const server = await withTokens(bearer, json({ token: 'good', ...more }));
    const client = testClient({ clock: { ...testClock(), now: () => now } });
    for (const at of [0, before, after]) {
      now = at;
      await client.fetchManifest(`${server.host}/a:v1`);
    }
    expect(server.seen.filter(({ path }) => path.startsWith('/token'))).toHaveLength(2);
  });

  it('is made again when a token is refused, once', async () => {
    let given = 0;
    let revoked = 0;
    const server = await withTokens(
      bearer,
      (request, response, count) => json({ token: `token${given++}` })(request, response, count),
      (authorization) => authorization === `Bearer token${revoked}`,
    );
    const client = testClient();
    await client.fetchManifest(`${server.host}/a:v1`);
    revoked = 1;
    await client.fetchManifest(`${server.host}/a:v1`);
    expect(server.seen.map(({ headers }) => headers.authorization)).toEqual([
      undefined,
      undefined,
      'Bearer token0',
      'Bearer token0',
      undefined,
      'Bearer token1',
    ]);
  });

  it('does not go round in circles: a registry that says 401 to everything', async () => {
    const server = await withTokens(bearer, json({ token: 'never' }));
    expect(await failure(testClient().fetchManifest(`${server.host}/a:v1`))).toMatchObject({ code: 'UNAUTHORIZED', status: 401 });
    expect(server.seen).toHaveLength(3);
  });

  it.each([
    [
      'a web page',
      (_: unknown, response: ServerResponse) => void response.writeHead(200, { 'content-type': 'text/html' }).end('<html>'),
      'BAD_TOKEN',
    ],
    ['no token', json({ tokens: 'good' }), 'BAD_TOKEN'],
    ['an empty token', json({ token: '' }), 'BAD_TOKEN'],
    ['a token that is no text', json({ token: { toString: 'good' } }), 'BAD_TOKEN'],
    ['a token with a line end', json({ token: 'good\r\nx-evil: 1' }), 'BAD_TOKEN'],
    [
      'a token in the prototype',
      (_: unknown, response: ServerResponse) => void response.end('{"__proto__":{"token":"good"}}'),
      'BAD_TOKEN',
    ],
    ['a list', json(['good']), 'BAD_TOKEN'],
    ['two tokens', (_: unknown, response: ServerResponse) => void response.end('{"token":"a","token":"good"}'), 'BAD_TOKEN'],
    [
      'more than a mebibyte',
      (_: unknown, response: ServerResponse) => void response.end(`{"token":"${'a'.repeat(1 << 20)}"}`),
      'BAD_TOKEN',
    ],
    ['a redirect', (_: unknown, response: ServerResponse) => void response.writeHead(302, { location: '/v2/' }).end(), 'REDIRECT_REFUSED'],
    [
      '401',
      (_: unknown, response: ServerResponse) => void response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end(),
      'UNAUTHORIZED',
    ],
    ['403', (_: unknown, response: ServerResponse) => void response.writeHead(403).end(), 'DENIED'],
    ['404', (_: unknown, response: ServerResponse) => void response.writeHead(404).end(), 'UNEXPECTED_STATUS'],
    ['500, always', (_: unknown, response: ServerResponse) => void response.writeHead(500).end(), 'SERVER_ERROR'],
  ] as const)('fails when the token server answers with %s', async (_, token, code) => {
    const server = await withTokens(bearer, token);
    expect(await failure(testClient({ credentials: always(ALICE) }).fetchManifest(`${server.host}/a:v1`))).toMatchObject({ code });
  });

  it('is made again when the token server is down for a moment', async () => {
    let count = 0;
    const server = await withTokens(bearer, (request, response, n) =>
      count++ === 0 ? void response.writeHead(503, { 'retry-after': '7' }).end() : json({ token: 'good' })(request, response, n),
    );
    const clock = testClock();
    await testClient({ clock }).fetchManifest(`${server.host}/a:v1`);
    expect(clock.slept).toEqual([7000]);
  });
});

describe('challenges that cannot be met', () => {
  it.each([
    ['none', undefined],
    ['another scheme', 'Negotiate'],
    ['bearer without realm', 'Bearer service="s"'],
    ['nonsense', '"'],
  ])('%s', async (_, header) => {
    const server = await scripted(
      (__, response) => void response.writeHead(401, header === undefined ? {} : { 'www-authenticate': header }).end(),
    );
    expect(await failure(testClient({ credentials: always(ALICE) }).fetchManifest(`${server.host}/a:v1`))).toMatchObject({
      code: 'UNSUPPORTED_CHALLENGE',
    });
    expect(server.seen).toHaveLength(1);
  });
});

/** What a server was sent as `Authorization`. */
const watch = (server: Scripted): readonly (string | undefined)[] => server.seen.map(({ headers }) => headers.authorization);

describe('a thief', () => {
  it('gets no credentials by a realm of its own', async () => {
    const thief = await scripted(json({ token: 'good' }));
    const server = await withTokens(() => `Bearer realm="${thief.url}/token",service="s"`, json({}));
    const client = testClient({ credentials: always(ALICE) });
    expect(await failure(client.fetchManifest(`${server.host}/a:v1`))).toMatchObject({ code: 'REALM_REFUSED', registry: server.host });
    expect(thief.seen).toEqual([]);
  });

  it('gets no identity token either', async () => {
    const thief = await scripted(json({ token: 'good' }));
    const server = await withTokens(() => `Bearer realm="${thief.url}/token"`, json({}));
    const client = testClient({ credentials: always({ identityToken: 'precious' }) });
    expect(await failure(client.fetchManifest(`${server.host}/a:v1`))).toMatchObject({ code: 'REALM_REFUSED' });
    expect(thief.seen).toEqual([]);
  });

  it('gets them if the user trusts it', async () => {
    const friend = await scripted(json({ token: 'good' }));
    const server = await withTokens(() => `Bearer realm="${friend.url}/token"`, json({}));
    const defaults = { plainHttp: 'always', trustedRealms: [friend.host] } as const;
    await testClient({ credentials: always(ALICE), defaults }).fetchManifest(`${server.host}/a:v1`);
    expect(watch(friend)).toEqual([BASIC_ALICE]);
  });

  it.each([
    ['to the metadata service', 'http://169.254.169.254/latest/meta-data'],
    ['inside the network', 'http://10.0.0.1/token'],
    ['with another scheme', 'gopher://127.0.0.1/'],
  ])('cannot have a request made %s', async (_, realm) => {
    const server = await withTokens(() => `Bearer realm="${realm}"`, json({}));
    for (const credentials of [anonymous, always(ALICE)]) {
      expect(await failure(testClient({ credentials }).fetchManifest(`${server.host}/a:v1`))).toMatchObject({ code: 'REALM_REFUSED' });
    }
  });

  it.each(['basic', 'bearer'])('gets nothing by a redirect and a demand for %s', async (scheme) => {
    const thief: Scripted = await scripted((_, response) => {
      response.writeHead(401, { 'www-authenticate': scheme === 'basic' ? 'Basic realm="x"' : bearer(thief.url) }).end();
    });
    const server = await withTokens(bearer, json({ token: 'good' }), () => false);
    const redirecting = await scripted((request, response) => {
      if (request.headers.authorization === undefined) response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end();
      else response.writeHead(307, { location: `${thief.url}/v2/a/manifests/v1` }).end();
    });
    const client = testClient({ credentials: always(ALICE) });
    expect(await failure(client.fetchManifest(`${redirecting.host}/a:v1`))).toMatchObject({ code: 'UNAUTHORIZED', registry: thief.host });
    expect(watch(thief)).toEqual([undefined]);
    expect(server.seen).toEqual([]);
  });

  it('gets no token by a redirect', async () => {
    const thief = await scripted(
      (_, response) => void response.writeHead(200, { 'content-type': packaged.descriptor.mediaType }).end(packaged.bytes),
    );
    const server = await scripted((request, response) => {
      if (request.url!.startsWith('/token')) response.end('{"token":"good"}');
      else if (request.headers.authorization === undefined)
        response.writeHead(401, { 'www-authenticate': `Bearer realm="http://${request.headers.host}/token"` }).end();
      else response.writeHead(307, { location: `${thief.url}/stolen` }).end();
    });
    await testClient().fetchManifest(`${server.host}/a:v1`);
    expect(thief.seen).toHaveLength(1);
    expect(watch(thief)).toEqual([undefined]);
  });

  it('gets no credentials by the location of an upload', async () => {
    const thief = await scripted((_, response) => void response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end());
    const server = await scripted((request, response) => {
      if (request.headers.authorization === undefined) response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end();
      else if (request.method === 'HEAD') response.writeHead(404).end();
      else response.writeHead(202, { location: `${thief.url}/upload` }).end();
    });
    const client = testClient({ credentials: always(ALICE) });
    const { bytes, descriptor } = packaged;
    expect(await failure(client.pushBlob(`${server.host}/a`, descriptor, bytes))).toMatchObject({ code: 'UNAUTHORIZED' });
    expect(new Set(watch(thief))).toEqual(new Set([undefined]));
  });

  it('gets no credentials by the next page of a list', async () => {
    const thief = await scripted(json({ tags: ['evil'] }));
    const server = await scripted((request, response) => {
      if (request.headers.authorization === undefined) response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end();
      else response.writeHead(200, { link: `<${thief.url}/v2/a/tags/list?last=x>; rel="next"` }).end('{"tags":["x"]}');
    });
    const client = testClient({ credentials: always(ALICE) });
    expect(await failure(Array.fromAsync(client.listTags(`${server.host}/a`)))).toMatchObject({ code: 'BAD_RESPONSE' });
    expect(thief.seen).toEqual([]);
  });
});

it('asks for credentials by registry and repository, and not before a registry wants some', async () => {
  const asked: unknown[] = [];
  const credentials: CredentialProvider = (target) => Promise.resolve(void asked.push(target));
  const open = await testRegistry();
  store(open.repository('a/b'), packaged, 'v1');
  const closed = await testRegistry({ login: { scheme: 'basic', ...ALICE } });
  const client = testClient({ credentials });
  await client.fetchManifest(`${open.registry}/a/b:v1`);
  expect(asked).toEqual([]);
  await failure(client.fetchManifest(`${closed.registry}/a/b:v1`));
  await failure(client.authenticate(closed.registry));
  expect(asked).toEqual([{ registry: closed.registry, repository: 'a/b' }, { registry: closed.registry }]);
});

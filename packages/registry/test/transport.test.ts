import { createServer as createHttpServer, type ServerResponse } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { connect, createServer as createNetServer, type Socket } from 'node:net';
import { mkdir, writeFile } from 'node:fs/promises';
import { image, toBlob, withTempDir } from '@cfskit/fixtures';
import { mediaTypes } from '@cfskit/oci-spec';
import { describe, expect, it } from 'vitest';
import { RegistryClient, type HttpRequest, type HttpResponse, type RegistryClientOptions, type Transport } from '../src/index.ts';
import { makeCertificate } from '../src/testing/index.ts';
import { collect, failure, listen, scripted, store, testClient, testRegistry } from './support.ts';

const tls = makeCertificate(['127.0.0.1', 'localhost', 'registry.test']);
const packaged = image();
const once = { retry: { attempts: 1 } };

describe('https and http', () => {
  it('are told apart on this machine, by asking once and without credentials', async () => {
    for (const options of [{}, { tls }]) {
      const registry = await testRegistry(options);
      const client = testClient({ defaults: { ca: tls.ca } });
      expect((await client.ping(registry.registry)).url).toBe(registry.url);
      await Promise.all([client.ping(registry.registry), client.ping(`https://${registry.registry}/`)]);
      expect(registry.requests.filter(({ path }) => path === '/v2/')).toHaveLength(4);
    }
  });

  it('are told apart elsewhere only if that is asked for', async () => {
    const sent: string[] = [];
    const transport = recording((request) => {
      sent.push(request.url.href);
      if (request.url.protocol === 'https:') throw Object.assign(new Error('no'), { code: 'ECONNREFUSED' });
      return answer(200, {}, '{}');
    });
    const strict = testClient({ transport, defaults: {}, ...once });
    expect(await failure(strict.ping('registry.example.com:5000'))).toMatchObject({ code: 'CONNECTION' });
    const lax = testClient({ transport, defaults: {}, registries: { 'registry.example.com:5000': { plainHttp: 'fallback' } }, ...once });
    expect((await lax.ping('registry.example.com:5000')).url).toBe('http://registry.example.com:5000');
    expect(await failure(lax.ping('localhost.example.com:5000'))).toMatchObject({ code: 'CONNECTION' });
    expect(sent.filter((url) => url.startsWith('http:') && !url.includes('registry.example.com:5000'))).toEqual([]);
  });

  it('a server that speaks http where https is wanted', async () => {
    const registry = await testRegistry();
    expect(await failure(testClient({ defaults: { plainHttp: 'never' } }).ping(registry.registry))).toMatchObject({ code: 'PLAIN_HTTP' });
  });

  it('a certificate that does not hold is no reason to go unencrypted', async () => {
    const registry = await testRegistry({ tls });
    const client = testClient({ defaults: {} });
    const error = await failure(client.ping(registry.registry));
    expect(error).toMatchObject({ code: 'TLS' });
    expect(error.message).not.toContain('Node.js'); // its advice how to start it is for nobody here
    expect(registry.requests).toEqual([]);
  });

  it('a certificate for another host', async () => {
    const registry = await testRegistry({ tls: makeCertificate(['other.test']) });
    expect(await failure(testClient({ defaults: { plainHttp: 'never' } }).ping(registry.registry))).toMatchObject({ code: 'TLS' });
  });

  it('any certificate, if that is asked for', async () => {
    const registry = await testRegistry({ tls });
    const client = testClient({ defaults: {}, registries: { [registry.registry]: { skipTlsVerify: true } } });
    expect((await client.ping(registry.registry)).url).toBe(registry.url);
  });
});

describe('certificates from directories', () => {
  it('named after the registry', async () => {
    const registry = await testRegistry({ tls });
    await withTempDir(async (directory) => {
      await mkdir(`${directory}/${registry.registry}`);
      await writeFile(`${directory}/${registry.registry}/ca.crt`, tls.ca);
      const client = testClient({ certDirs: ['/nonexistent', directory], defaults: {} });
      expect((await client.ping(registry.registry)).url).toBe(registry.url);
      expect(await failure(testClient({ certDirs: ['/nonexistent'], defaults: {} }).ping(registry.registry))).toMatchObject({
        code: 'TLS',
      });
    });
  });

  it('given for the registry, with a certificate of the client', async () => {
    const own = makeCertificate(['client.test']);
    const seen: boolean[] = [];
    const server = createHttpsServer({ ...tls, ca: own.ca, requestCert: true, rejectUnauthorized: false }, (request, response) => {
      seen.push((request.socket as unknown as { readonly authorized: boolean }).authorized);
      response.setHeader('docker-distribution-api-version', 'registry/2.0').end('{}');
    });
    const host = await listen(server);
    await withTempDir(async (certDir) => {
      await writeFile(`${certDir}/authority.crt`, tls.ca);
      await writeFile(`${certDir}/client.cert`, own.cert);
      await writeFile(`${certDir}/client.key`, own.key);
      await writeFile(`${certDir}/lonely.cert`, own.cert);
      await testClient({ registries: { [host]: { certDir } }, defaults: {} }).ping(host);
    });
    await testClient({ defaults: { ca: [tls.ca] } }).ping(host);
    expect(seen.at(-1)).toBe(false);
    expect(seen[0]).toBe(true);
  });

  it('given for all, with a certificate of the client that no other host sees', async () => {
    const own = makeCertificate(['client.test']);
    const seen = new Map<string, unknown>();
    const content = toBlob(new TextEncoder().encode('hello'), 'text/plain');
    const serve = async (respond: (response: ServerResponse) => void): Promise<string> => {
      const options = { ...tls, ca: own.ca, requestCert: true, rejectUnauthorized: false };
      const server = createHttpsServer(options, ({ socket, headers }, response) => {
        seen.set(headers.host!, 'authorized' in socket && socket.authorized);
        respond(response);
      });
      return await listen(server);
    };
    const storage = (await serve((response) => void response.end(content.bytes))).replace('127.0.0.1', 'localhost');
    const registry = await serve((response) => void response.writeHead(307, { location: `https://${storage}/x` }).end());
    const read = async (options: Pick<RegistryClientOptions, 'defaults' | 'registries'>): Promise<void> => {
      expect(await collect(testClient(options).openBlob(`${registry}/a`, content.descriptor))).toEqual(content.bytes);
    };
    await withTempDir(async (certDir) => {
      await writeFile(`${certDir}/authority.crt`, tls.ca);
      await writeFile(`${certDir}/client.cert`, own.cert);
      await writeFile(`${certDir}/client.key`, own.key);
      for (const defaults of [{ certDir }, { ca: tls.ca, cert: own.cert, key: own.key }]) {
        await read({ defaults });
        expect(Object.fromEntries(seen)).toEqual({ [registry]: true, [storage]: false });
      }
      await read({ defaults: { certDir }, registries: { [storage]: { certDir } } });
      expect(seen.get(storage)).toBe(true);
    });
  });
});

describe('a proxy', () => {
  it('is used for http, with its password, and not for what it is not to be used for', async () => {
    const seen: (readonly [string | undefined, string | undefined])[] = [];
    const proxy = createHttpServer((request, response) => {
      seen.push([request.url, request.headers['proxy-authorization']]);
      response.setHeader('docker-distribution-api-version', 'registry/2.0').end('{}');
    });
    const host = await listen(proxy);
    const client = testClient({ env: { HTTP_PROXY: `http://user:pass@${host}`, NO_PROXY: 'local.test' } });
    expect((await client.ping('registry.test')).url).toBe('http://registry.test');
    expect(seen).toEqual([['http://registry.test/v2/', `Basic ${Buffer.from('user:pass').toString('base64')}`]]);
  });

  it('is a tunnel for https: it sees no request, and the certificate is that of the registry', async () => {
    const registry = await testRegistry({ tls });
    store(registry.repository('a'), packaged, 'v1');
    const [address, port] = registry.registry.split(':');
    const tunnels: string[] = [];
    const proxy = createHttpServer().on('connect', (request, socket: Socket) => {
      tunnels.push(request.url!);
      const target = connect(Number(port), address, () => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n');
        target.pipe(socket).pipe(target);
      });
      target.on('error', () => socket.destroy());
      socket.on('error', () => target.destroy());
    });
    const env = { HTTPS_PROXY: await listen(proxy) };
    const client = testClient({ env, defaults: { ca: tls.ca } });
    expect((await client.fetchManifest('registry.test/a:v1')).descriptor.digest).toBe(packaged.descriptor.digest);
    expect(tunnels).toEqual(['registry.test:443']);
    expect(await failure(testClient({ env, defaults: { ca: tls.ca }, ...once }).ping('other.test'))).toMatchObject({ code: 'TLS' });
    await client.close();
  });

  it('that refuses is an error of the connection', async () => {
    const proxy = createHttpServer().on(
      'connect',
      (_, socket: Socket) => void socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n'),
    );
    const env = { HTTPS_PROXY: `http://user:secret@${await listen(proxy)}` };
    const error = await failure(testClient({ env, defaults: {}, ...once }).ping('registry.test'));
    expect(error).toMatchObject({ code: 'CONNECTION' });
    expect(error.message).not.toContain('secret');
  });
});

describe('connections', () => {
  it('are used again', async () => {
    const sockets = new Set<unknown>();
    const server = await scripted((request, response) => {
      sockets.add(request.socket);
      response.setHeader('docker-distribution-api-version', 'registry/2.0').end('{}');
    });
    const client = testClient();
    for (let i = 0; i < 5; i++) await client.ping(server.host);
    expect(sockets.size).toBeLessThan(3); // the second request may come before the first answer is read to its end
  });

  it('that nobody answers on are given up', async () => {
    const sockets: Socket[] = [];
    const server = createNetServer((socket) => void sockets.push(socket.on('error', () => undefined)));
    const host = await listen(server);
    expect(await failure(testClient({ timeouts: { headersMs: 30 }, ...once }).ping(host))).toMatchObject({ code: 'TIMEOUT' });
    for (const socket of sockets) socket.destroy();
  });

  it('end with the client', async () => {
    const { promise: asked, resolve } = Promise.withResolvers<void>();
    const server = await scripted(() => resolve());
    const client = testClient();
    const waiting = failure(client.ping(server.host));
    await asked;
    await client.close();
    await waiting;
    expect(await failure(client.ping(server.host))).toBeInstanceOf(TypeError);
    await client.close();
  });
});

function recording(respond: (request: HttpRequest) => HttpResponse): Transport {
  return { send: async (request) => await Promise.resolve(respond(request)), close: () => Promise.resolve() };
}

function answer(status: number, headers: Readonly<Record<string, string>>, body: string | Uint8Array): HttpResponse {
  const bytes = typeof body === 'string' ? new TextEncoder().encode(body) : body;
  async function* chunks(): AsyncGenerator<Uint8Array, void> {
    yield await Promise.resolve(bytes);
  }
  return { status, headers, body: chunks(), discard: () => undefined };
}

it('another transport does all that is asked of the network', async () => {
  const sent: string[] = [];
  const transport = recording((request) => {
    sent.push(`${request.method} ${request.url.href}`);
    if (request.url.pathname.includes('/blobs/')) return answer(200, {}, packaged.blobs.at(1)!.bytes);
    return answer(200, { 'content-type': mediaTypes.manifest }, packaged.bytes);
  });
  const client = new RegistryClient({ transport });
  const { kind, ...found } = await client.fetchManifest('alpine:3');
  const config = kind === 'manifest' && 'manifest' in found ? found.manifest.config : undefined;
  expect((await collect(client.fetchBlob('alpine', config!))).byteLength).toBe(config!.size);
  expect(sent).toEqual([
    'GET https://registry-1.docker.io/v2/library/alpine/manifests/3',
    `GET https://registry-1.docker.io/v2/library/alpine/blobs/${config!.digest}`,
  ]);
});

it.each([
  ['docker.io', 'https://registry-1.docker.io/v2/'],
  ['index.docker.io', 'https://registry-1.docker.io/v2/'],
  ['https://index.docker.io/v1/', 'https://registry-1.docker.io/v2/'],
  ['registry-1.docker.io', 'https://registry-1.docker.io/v2/'],
  ['ghcr.io', 'https://ghcr.io/v2/'],
  ['https://ghcr.io/', 'https://ghcr.io/v2/'],
  ['registry.example.com:5000', 'https://registry.example.com:5000/v2/'],
  ['[fd00::1]:5000', 'https://[fd00::1]:5000/v2/'],
])('ping(%s) asks %s', async (registry, url) => {
  const sent: string[] = [];
  const transport = recording((request) => (sent.push(request.url.href), answer(200, {}, '{}')));
  await new RegistryClient({ transport }).ping(registry);
  expect(sent).toEqual([url]);
});

it.each(['', 'ghcr', 'ghcr.io/a', 'ghcr.io/a/b', 'http://', 'a b.c', 'ghcr.io:0', 'ghcr.io/../x', 'u:p@ghcr.io'])(
  'ping(%j) is refused',
  async (registry) => {
    expect((await failure(testClient().ping(registry))).name).toBe('OciRefError');
  },
);

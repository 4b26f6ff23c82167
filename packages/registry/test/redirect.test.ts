import { describe, expect, it } from 'vitest';
import type { HttpRequest, HttpResponse } from '../src/index.ts';
import { sendFollowing, type Answer } from '../src/redirect.ts';
import { failure } from './support.ts';

async function* nothing(): AsyncGenerator<Uint8Array, void> {}

/** A web in which some URLs lead to others. */
function web(links: Readonly<Record<string, string>>, status = 307) {
  const seen: HttpRequest[] = [];
  let discarded = 0;
  const send = async (request: HttpRequest): Promise<HttpResponse> => {
    seen.push(request);
    const location = links[request.url.href];
    const response = { body: nothing(), discard: () => void discarded++ };
    return await Promise.resolve({ ...response, status: location === undefined ? 200 : status, headers: { location } });
  };
  const go = (url: string, method: HttpRequest['method'] = 'GET', body?: () => HttpRequest['body']): Promise<Answer> =>
    sendFollowing(send, { method, url: new URL(url), headers: { authorization: 'Basic secret', range: 'bytes=5-' } }, body);
  return { seen, go, discarded: () => discarded };
}

const REGISTRY = 'https://registry.example.com/v2/a/blobs/x';

describe('sendFollowing', () => {
  it('stays within an origin with credentials', async () => {
    const { go, seen, discarded } = web({ [REGISTRY]: '/elsewhere' });
    const { url, isForeign } = await go(REGISTRY);
    expect([url.href, isForeign]).toEqual(['https://registry.example.com/elsewhere', false]);
    expect(seen.map(({ headers }) => headers['authorization'])).toEqual(['Basic secret', 'Basic secret']);
    expect(discarded()).toBe(1);
  });

  it.each([
    ['another host', 'https://storage.example.org/x?sig=1'],
    ['another port', 'https://registry.example.com:8443/x'],
    ['a subdomain', 'https://cdn.registry.example.com/x'],
  ])('leaves credentials behind on the way to %s', async (_, target) => {
    const { go, seen } = web({ [REGISTRY]: target });
    const { isForeign } = await go(REGISTRY);
    expect(isForeign).toBe(true);
    expect(seen.at(1)!.headers).toEqual({ range: 'bytes=5-' });
  });

  it('does not take credentials up again on the way back', async () => {
    const { go, seen } = web({ [REGISTRY]: 'https://b.example/', 'https://b.example/': 'https://registry.example.com/back' });
    const { url, isForeign } = await go(REGISTRY);
    expect([url.href, isForeign]).toEqual(['https://registry.example.com/back', true]);
    expect(seen.map(({ headers }) => headers['authorization'])).toEqual(['Basic secret', undefined, undefined]);
  });

  it.each([
    ['plain http', 'http://registry.example.com/x'],
    ['the metadata service', 'https://169.254.169.254/latest'],
    ['the metadata service, in IPv6', 'https://[::ffff:a9fe:a9fe]/latest'],
    ['this machine', 'https://127.0.0.1:2375/'],
    ['this machine, written oddly', 'https://0177.1/'],
    ['this machine by name', 'https://localhost/'],
    ['no address', 'https://0.0.0.0/'],
    ['a file', 'file:///etc/passwd'],
    ['data', 'data:,x'],
    ['a URL with a password', 'https://u:p@registry.example.com/'],
    ['nonsense', 'https://['],
  ])('does not go to %s', async (_, target) => {
    const { go, seen } = web({ [REGISTRY]: target });
    expect(await failure(go(REGISTRY))).toMatchObject({ code: 'REDIRECT_REFUSED' });
    expect(seen).toHaveLength(1);
  });

  it('goes where a registry on this machine, or in this network, sends it to', async () => {
    const local = web({ 'http://127.0.0.1:5000/a': 'http://127.0.0.1:9000/b' });
    expect((await local.go('http://127.0.0.1:5000/a')).isForeign).toBe(true);
    const near = web({ 'https://registry.corp.example/a': 'https://10.0.0.9/minio' });
    expect((await near.go('https://registry.corp.example/a')).url.host).toBe('10.0.0.9');
    const up = web({ 'http://127.0.0.1:5000/a': 'https://cdn.example/b' });
    expect((await up.go('http://127.0.0.1:5000/a')).url.protocol).toBe('https:');
  });

  it('gives up after ten', async () => {
    const { go, seen } = web({ 'https://a.example/': 'https://a.example/' });
    expect(await failure(go('https://a.example/'))).toMatchObject({ code: 'TOO_MANY_REDIRECTS' });
    expect(seen).toHaveLength(11);
  });

  it('uploads again on 307 and 308 only, with a body made anew', async () => {
    for (const status of [307, 308]) {
      const { go, seen } = web({ [REGISTRY]: '/b' }, status);
      let made = 0;
      await go(REGISTRY, 'PUT', () => new Uint8Array([made++]));
      expect(seen.map(({ body }) => body)).toEqual([new Uint8Array([0]), new Uint8Array([1])]);
    }
    for (const status of [301, 302, 303]) {
      const { go } = web({ [REGISTRY]: '/b' }, status);
      expect(await failure(go(REGISTRY, 'PUT'))).toMatchObject({ code: 'REDIRECT_REFUSED' });
      expect((await web({ [REGISTRY]: '/b' }, status).go(REGISTRY)).url.pathname).toBe('/b');
    }
  });

  it('takes other 3xx, and those without Location, as they are', async () => {
    const { go } = web({ [REGISTRY]: '/b' }, 304);
    expect((await go(REGISTRY)).response.status).toBe(304);
  });

  it('tells no query of where it was sent', async () => {
    const error = await failure(web({ [REGISTRY]: 'http://b.example/x?X-Amz-Signature=secret' }).go(REGISTRY));
    expect(error.message).toContain('http://b.example/x');
    expect(error.message).not.toContain('secret');
  });
});

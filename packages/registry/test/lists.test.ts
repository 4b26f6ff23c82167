import { image } from '@cfskit/fixtures';
import { mediaTypes } from '@cfskit/oci-spec';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseNextLink } from '../src/link.ts';
import { failure, scripted, store, testClient, testRegistry } from './support.ts';

const packaged = image();

describe('parseNextLink', () => {
  it.each([
    ['</v2/a/tags/list?n=2&last=b>; rel="next"', '/v2/a/tags/list?n=2&last=b'],
    ['<a>;rel=next', 'a'],
    ['<a>; title="x, <b>; rel=next"; rel="next"', 'a'],
    ['<a>; rel="prev", <b>; rel="next"', 'b'],
    ['<a>; rel="last next"', 'a'],
    ['<a>; REL="NEXT"', 'a'],
    ['<a>; rel="prev"', undefined],
    ['<a>', undefined],
    ['a; rel="next"', undefined],
    ['', undefined],
    [undefined, undefined],
  ])('%s', (header, expected) => {
    expect(parseNextLink(header)).toBe(expected);
  });

  it('survives any text, in time linear in it', () => {
    fc.assert(fc.property(fc.string({ unit: fc.constantFrom(...'<>; =",a'.split('')) }), (text) => void parseNextLink(text)));
    expect(parseNextLink(`<a>${'; a=b'.repeat(20_000)}`)).toBeUndefined();
  });
});

describe('listTags', () => {
  it('ends where a list is longer than all there are', async () => {
    const page = Buffer.from(JSON.stringify({ name: 'a', tags: ['x'.repeat(30 * 2 ** 20)] }));
    let served = 0;
    const server = await scripted((request, response) => {
      if (!request.url!.includes('/tags/')) return void response.setHeader('docker-distribution-api-version', 'registry/2.0').end('{}');
      return void response.setHeader('link', `</v2/a/tags/list?n=1&last=${served++}>; rel="next"`).end(page);
    });
    expect(await failure(Array.fromAsync(testClient().listTags(`${server.host}/a`)))).toMatchObject({ code: 'TOO_LARGE' });
    expect(served).toBe(3);
  });

  it.each([1, 2, 5, 1000])('gives all tags in order, %i per page', async (pageSize) => {
    const registry = await testRegistry({ pageSize });
    const tags = ['v10', 'v9', 'latest', 'a', 'b'];
    for (const tag of tags) store(registry.repository('a'), packaged, tag);
    expect(await Array.fromAsync(testClient().listTags(`${registry.registry}/a`))).toEqual(tags);
    expect(registry.requests).toHaveLength(Math.ceil(tags.length / pageSize));
  });

  it('asks for a page when it is needed', async () => {
    const registry = await testRegistry();
    for (const tag of ['a', 'b', 'c']) store(registry.repository('a'), packaged, tag);
    for await (const tag of testClient().listTags(`${registry.registry}/a`, { pageSize: 1 })) if (tag === 'b') break;
    expect(registry.requests.map(({ path }) => path)).toEqual(['/v2/a/tags/list?n=1', '/v2/a/tags/list?n=1&last=a']);
  });

  it('gives none where there are none', async () => {
    const server = await scripted((_, response, count) => void response.end(count === 0 ? '{"tags":null}' : '{"name":"a","tags":[]}'));
    const client = testClient();
    for (let i = 0; i < 2; i++) expect(await Array.fromAsync(client.listTags(`${server.host}/a`))).toEqual([]);
  });

  it.each(['<html>', '[]', '{}', '{"tags":{}}', '{"tags":[1]}', '\u00ff'])('refuses %s', async (body) => {
    const server = await scripted((_, response) => void response.end(body, 'latin1'));
    expect(await failure(Array.fromAsync(testClient().listTags(`${server.host}/a`)))).toMatchObject({ code: 'BAD_RESPONSE' });
  });

  it.each([
    ['to itself', '/v2/a/tags/list?n=1000&last=x'],
    ['to another origin', 'http://127.0.0.1:1/v2/a/tags/list'],
  ])('does not follow a link %s for ever', async (_, link) => {
    const server = await scripted((__, response) => void response.writeHead(200, { link: `<${link}>; rel="next"` }).end('{"tags":["x"]}'));
    expect(await failure(Array.fromAsync(testClient().listTags(`${server.host}/a`)))).toMatchObject({ code: 'BAD_RESPONSE' });
    expect(server.seen.length).toBeLessThanOrEqual(2);
  });

  it('does not read a page without end', async () => {
    const server = await scripted((_, response) => void response.writeHead(200, { 'content-length': 2 ** 40 }).write('{"tags":['));
    expect(await failure(Array.fromAsync(testClient().listTags(`${server.host}/a`)))).toMatchObject({ code: 'TOO_LARGE' });
  });

  it('says that there is no such repository', async () => {
    const registry = await testRegistry();
    expect(await failure(Array.fromAsync(testClient().listTags(`${registry.registry}/a`)))).toMatchObject({ code: 'NAME_UNKNOWN' });
  });
});

const entry = (artifactType: string) => ({ ...packaged.descriptor, artifactType });
const index = (...manifests: readonly object[]): string => JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.index, manifests });

describe('listReferrers', () => {
  it('filters unless the registry has done so, page by page', async () => {
    const server = await scripted((request, response) => {
      const isFirst = !request.url!.includes('page=2');
      if (isFirst) response.setHeader('link', `<${request.url}&page=2>; rel=next`);
      else response.setHeader('oci-filters-applied', 'artifactType');
      response.setHeader('content-type', mediaTypes.index);
      response.end(index(entry('a/b'), entry('c/d')));
    });
    const found = await testClient().listReferrers(`${server.host}/a`, packaged.descriptor.digest, { artifactType: 'a/b' });
    expect(found.map(({ artifactType }) => artifactType)).toEqual(['a/b', 'a/b', 'c/d']);
    expect(server.seen.at(0)!.path).toBe(`/v2/a/referrers/${packaged.descriptor.digest}?artifactType=a%2Fb`);
  });

  it.each([
    ['a manifest', mediaTypes.manifest, index()],
    ['a web page', 'text/html', '<html>'],
  ])('refuses %s', async (_, type, body) => {
    const server = await scripted((__, response) => void response.writeHead(200, { 'content-type': type }).end(body));
    expect(await failure(testClient().listReferrers(`${server.host}/a`, packaged.descriptor.digest))).toMatchObject({
      code: 'BAD_RESPONSE',
    });
  });

  it('refuses entries that are none', async () => {
    const server = await scripted(
      (_, response) => void response.writeHead(200, { 'content-type': mediaTypes.index }).end(index({ digest: 'sha256:../x' })),
    );
    expect((await failure(testClient().listReferrers(`${server.host}/a`, packaged.descriptor.digest))).name).toBe('OciSpecError');
  });
});

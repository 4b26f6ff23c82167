import type { ServerResponse } from 'node:http';
import { createServer } from 'node:net';
import { gzipSync } from 'node:zlib';
import * as fc from 'fast-check';
import { toBlob } from '@cfskit/fixtures';
import { readBlob, type Descriptor } from '@cfskit/oci-spec';
import { collectingReporter } from '@cfskit/progress';
import { describe, expect, it } from 'vitest';
import { collect, failure, listen, pattern, scripted, testClient, testClock, testRegistry, type Scripted } from './support.ts';

const SIZE = 1_000_000;
const { bytes: content, descriptor } = toBlob(pattern(SIZE), 'application/vnd.oci.image.layer.v1.tar');

/** Answers with all or the part that is asked for, cut off after `limit` bytes of it. */
function serve(response: ServerResponse, bytes: Uint8Array, limit = Infinity): void {
  const start = Number(/^bytes=([0-9]+)-/.exec(response.req.headers.range ?? '')?.[1] ?? Number.NaN);
  const part = Number.isNaN(start) ? bytes : bytes.subarray(start);
  const range = Number.isNaN(start) ? {} : { 'content-range': `bytes ${start}-${bytes.byteLength - 1}/${bytes.byteLength}` };
  response.writeHead(Number.isNaN(start) ? 200 : 206, { 'content-length': part.byteLength, ...range });
  if (part.byteLength <= limit) response.end(part);
  else response.write(part.subarray(0, limit), () => response.destroy());
}

const fetchFrom = ({ host }: Scripted, wanted: Descriptor = descriptor, options = {}) =>
  collect(testClient(options).fetchBlob(`${host}/a`, wanted));
const ranges = ({ seen }: Scripted): readonly (string | undefined)[] => seen.map(({ headers }) => headers.range);

describe('fetchBlob', () => {
  it('gives the bytes in chunks of 256 KiB, in memory of their own', async () => {
    const registry = await testRegistry();
    registry.repository('a').put(content);
    const chunks = await Array.fromAsync(testClient().fetchBlob(`${registry.registry}/a`, descriptor));
    expect(chunks.map(({ byteLength }) => byteLength)).toEqual([262144, 262144, 262144, SIZE - 3 * 262144]);
    expect(new Set(chunks.map(({ buffer }) => buffer)).size).toBe(4);
    expect(Buffer.concat(chunks).equals(content)).toBe(true);
    expect(registry.requests.at(0)!.headers).toMatchObject({ 'accept-encoding': 'identity' });
  });

  it('gives nothing for an empty blob, and asks whether it is there', async () => {
    const registry = await testRegistry();
    const empty = registry.repository('a').put(new Uint8Array(0));
    expect(await Array.fromAsync(testClient().fetchBlob(`${registry.registry}/a`, empty))).toEqual([]);
    registry.repository('a').blobs.clear();
    expect(await failure(collect(testClient().fetchBlob(`${registry.registry}/a`, empty)))).toMatchObject({
      code: 'BLOB_UNKNOWN',
      digest: empty.digest,
    });
  });

  it('asks for nothing before it is read', async () => {
    const registry = await testRegistry();
    testClient().fetchBlob(`${registry.registry}/a`, descriptor);
    expect(registry.requests).toEqual([]);
  });

  it('reports bytes with the total from the beginning', async () => {
    const registry = await testRegistry();
    registry.repository('a').put(content);
    const reporter = collectingReporter();
    await collect(testClient().fetchBlob(`${registry.registry}/a`, descriptor, { reporter }));
    const id = descriptor.digest;
    expect(reporter.events.at(0)).toEqual({ type: 'started', id, total: SIZE, unit: 'bytes' });
    expect(reporter.events.at(-2)).toEqual({ type: 'progress', id, fetched: SIZE, total: SIZE });
    expect(reporter.events.at(-1)).toEqual({ type: 'done', id, transferred: SIZE });
  });

  it('follows a redirect to storage', async () => {
    const storage = await scripted((_, response) => serve(response, content));
    const server = await scripted((_, response) => void response.writeHead(307, { location: `${storage.url}/x?signature=1` }).end());
    expect((await fetchFrom(server)).byteLength).toBe(SIZE);
  });

  it('fetches 20 blobs at the same time', async () => {
    const registry = await testRegistry({ login: { scheme: 'bearer', username: 'u', password: 'p', anonymousPull: true } });
    const blobs = Array.from({ length: 20 }, (_, i) => registry.repository('a').put(pattern(300_000 + i)));
    const client = testClient();
    const sizes = await Promise.all(
      blobs.map(async (blob) => (await collect(client.fetchBlob(`${registry.registry}/a`, blob))).byteLength),
    );
    expect(sizes).toEqual(blobs.map(({ size }) => size));
    expect(registry.requests.filter(({ path }) => path.startsWith('/token'))).toHaveLength(1);
  });

  it('can be left in the middle', async () => {
    const registry = await testRegistry();
    registry.repository('a').put(content);
    const client = testClient();
    for await (const chunk of client.fetchBlob(`${registry.registry}/a`, descriptor)) if (chunk.byteLength > 0) break;
    expect((await collect(client.fetchBlob(`${registry.registry}/a`, descriptor))).byteLength).toBe(SIZE);
  });

  it('ends with the reason of an abort, also while it waits for a server that is silent', async () => {
    const { promise: asked, resolve } = Promise.withResolvers<void>();
    const server = await scripted(() => resolve());
    const controller = new AbortController();
    const reading = failure(collect(testClient().fetchBlob(`${server.host}/a`, descriptor, { signal: controller.signal })));
    await asked;
    controller.abort(new Error('enough'));
    expect((await reading).message).toBe('enough');
  });

  it('ends with the reason of an abort in the middle of the body', async () => {
    const server = await scripted(
      (_, response) => void response.writeHead(200, { 'content-length': SIZE }).write(content.subarray(0, 300_000)),
    );
    const controller = new AbortController();
    const reading = (async () => {
      for await (const chunk of testClient().fetchBlob(`${server.host}/a`, descriptor, { signal: controller.signal })) {
        if (chunk.byteLength > 0) controller.abort(new Error('enough'));
      }
    })();
    expect((await failure(reading)).message).toBe('enough');
  });
});

describe('a connection that breaks', () => {
  it.each([1, 262_143, 262_144, 500_000, SIZE - 1])('after %i bytes is taken up there', async (limit) => {
    const server = await scripted((_, response, count) => serve(response, content, count === 0 ? limit : Infinity));
    const clock = testClock();
    expect(Buffer.from(await fetchFrom(server, descriptor, { clock })).equals(content)).toBe(true);
    expect(ranges(server)).toEqual([undefined, `bytes=${limit}-`]);
    expect(clock.slept).toEqual([500]);
  });

  it('wherever and however often, ends in the same bytes, and no byte is fetched twice', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 400_000 }), { maxLength: 4 }), async (limits) => {
        const server = await scripted((_, response, count) => serve(response, content, limits[count] ?? Infinity));
        expect(Buffer.from(await fetchFrom(server)).equals(content)).toBe(true);
        const starts = ranges(server).map((range) => Number(/[0-9]+/.exec(range ?? '0')![0]));
        expect(starts).toEqual(starts.map((_, i) => limits.slice(0, i).reduce((sum, limit) => sum + limit, 0)));
      }),
      { numRuns: 15 },
    );
  });

  it('each time without a byte is an error after five tries', async () => {
    const server = await scripted((_, response) => void response.destroy());
    expect(await failure(fetchFrom(server))).toMatchObject({ code: 'CONNECTION', registry: server.host });
    expect(server.seen).toHaveLength(5);
  });

  it('is refused altogether', async () => {
    const server = await scripted(() => undefined);
    const gone = { ...server, host: '127.0.0.1:1' };
    expect(await failure(fetchFrom(gone, descriptor, { retry: { attempts: 2 } }))).toMatchObject({ code: 'CONNECTION' });
  });

  it('is worth more tries the more comes through', async () => {
    const { bytes, descriptor: large } = toBlob(pattern(9 * 1024 * 1024), 'application/octet-stream');
    const server = await scripted((_, response) => serve(response, bytes, 1024 * 1024 + 1));
    expect((await fetchFrom(server, large, { retry: { attempts: 2 } })).byteLength).toBe(large.size);
    expect(server.seen).toHaveLength(9);
  });

  it.each([
    [503, {}, 500],
    [429, { 'retry-after': '3' }, 3000],
    [429, { 'retry-after': 'Thu, 01 Jan 2026 00:00:09 GMT' }, 9000],
    [500, { 'retry-after': '-1' }, 500],
  ])('or an answer of %i with %j is tried again', async (status, headers, ms) => {
    const server = await scripted((_, response, count) =>
      count === 0 ? void response.writeHead(status, headers).end() : serve(response, content),
    );
    const clock = testClock();
    expect((await fetchFrom(server, descriptor, { clock })).byteLength).toBe(SIZE);
    expect(clock.slept).toEqual([ms]);
  });

  it('and comes back with everything is read from where it broke', async () => {
    const server = await scripted((_, response, count) => {
      if (count > 0) delete response.req.headers.range;
      serve(response, content, count === 0 ? 700_000 : Infinity);
    });
    expect(Buffer.from(await fetchFrom(server)).equals(content)).toBe(true);
    expect(server.seen).toHaveLength(2);
  });

  it.each([
    ['another start', `bytes 0-${SIZE - 1}/${SIZE}`],
    ['another total', `bytes 700000-${SIZE - 1}/${SIZE + 1}`],
    ['an unknown total', `bytes 700000-${SIZE - 1}/*`],
    ['an end before its start', `bytes 700000-5/${SIZE}`],
    ['another unit', `lines 700000-${SIZE - 1}/${SIZE}`],
    ['no range', undefined],
  ])('and comes back with %s is asked for everything instead', async (_, range) => {
    const server = await scripted((__, response, count) => {
      if (count === 0) serve(response, content, 700_000);
      else if (count === 1) response.writeHead(206, range === undefined ? {} : { 'content-range': range }).end(content.subarray(700_000));
      else serve(response, content);
    });
    expect(Buffer.from(await fetchFrom(server)).equals(content)).toBe(true);
    expect(ranges(server)).toEqual([undefined, 'bytes=700000-', undefined]);
  });

  it('and comes back with 416 is asked for everything instead', async () => {
    const server = await scripted((_, response, count) =>
      count === 1 ? void response.writeHead(416).end() : serve(response, content, count === 0 ? 10 : Infinity),
    );
    expect((await fetchFrom(server)).byteLength).toBe(SIZE);
    expect(server.seen).toHaveLength(3);
  });

  it('and has other content then is found out', async () => {
    const other = pattern(SIZE).fill(7);
    const server = await scripted((_, response, count) => serve(response, count === 0 ? content : other, count === 0 ? 500_000 : Infinity));
    expect(await failure(fetchFrom(server))).toMatchObject({ code: 'DIGEST_MISMATCH' });
  });
});

describe('a server that wastes time', () => {
  it('by silence is left alone', async () => {
    const server = await scripted(() => undefined);
    const error = await failure(fetchFrom(server, descriptor, { timeouts: { headersMs: 50 }, retry: { attempts: 2 } }));
    expect(error).toMatchObject({ code: 'TIMEOUT' });
    expect(server.seen).toHaveLength(2);
  });

  it('by silence in the middle is asked again for the rest', async () => {
    const server = await scripted((_, response, count) => {
      if (count > 0) serve(response, content);
      else response.writeHead(200, { 'content-length': SIZE }).write(content.subarray(0, 500_000));
    });
    expect((await fetchFrom(server, descriptor, { timeouts: { idleMs: 100 } })).byteLength).toBe(SIZE);
    expect(ranges(server)).toEqual([undefined, 'bytes=500000-']);
  });

  it('byte by byte is left alone as well', async () => {
    let ms = 0;
    const clock = { ...testClock(), now: () => (ms += 20_000) }; // ten seconds pass with each byte, and ten more
    const server = await scripted(async (_, response) => {
      response.writeHead(200, { 'content-length': SIZE });
      for (let i = 0; i < 100 && !response.destroyed; i++) {
        response.write(content.subarray(i, i + 1));
        await new Promise((resolve) => {
          setTimeout(resolve, 2);
        });
      }
    });
    const error = await failure(fetchFrom(server, descriptor, { clock, retry: { attempts: 1 } }));
    expect(error).toMatchObject({ code: 'TIMEOUT' });
    expect(error.message).toMatch(/bytes in 80 s, which is too slow/);
  });

  it('or memory, with chunks of one byte, does not get it', async () => {
    const server = await scripted((_, response) => {
      response.writeHead(200, { 'transfer-encoding': 'chunked' });
      response.flushHeaders();
      response.socket!.write('1\r\n0\r\n'.repeat(300_000));
      response.socket!.write('0\r\n\r\n');
    });
    const many = toBlob(Buffer.alloc(300_000, '0'), 'x').descriptor;
    const chunks = await Array.fromAsync(testClient().fetchBlob(`${server.host}/a`, many));
    expect(chunks.map(({ byteLength }) => byteLength)).toEqual([262_144, 37_856]);
  });
});

describe('a server that speaks something else', () => {
  it.each([
    ['SSH', 'SSH-2.0-OpenSSH_9.2\r\n'],
    ['HTTP with headers without end', `HTTP/1.1 200 OK\r\n${'x: y\r\n'.repeat(20_000)}`],
    ['two lengths', 'HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello'],
  ])('%s', async (_, text) => {
    const server = createServer(
      (socket) =>
        void socket
          .on('error', () => undefined)
          .resume()
          .end(text),
    );
    const host = await listen(server);
    expect(await failure(fetchFrom({ host, url: '', seen: [] }))).toMatchObject({ code: 'BAD_RESPONSE', registry: host });
  });
});

const part = async ({ host }: { readonly host: string }, start: number, end?: number) =>
  collect(testClient().openBlobRange(`${host}/a`, descriptor, { start, ...(end !== undefined && { end }) }));

describe('openBlobRange', () => {
  it.each([
    [0, 10],
    [5, 6],
    [300_000, 700_000],
    [SIZE - 1, SIZE],
    [0, SIZE],
    [7, undefined],
    [SIZE, SIZE],
    [5, 5],
    [0, 0],
  ] as const)('gives bytes from %i to %s', async (start, end) => {
    const registry = await testRegistry();
    registry.repository('a').put(content);
    const found = await part({ host: registry.registry }, start, end);
    expect(Buffer.from(found).equals(content.subarray(start, end))).toBe(true);
  });

  it('takes only what it needs of a server without ranges', async () => {
    const server = await scripted((_, response) => void response.writeHead(200, { 'content-length': SIZE }).end(content));
    expect(Buffer.from(await part(server, 300_000, 300_010)).equals(content.subarray(300_000, 300_010))).toBe(true);
  });

  it('goes on within the range', async () => {
    const server = await scripted((request, response, count) => {
      const match = /^bytes=([0-9]+)-([0-9]+)$/.exec(request.headers.range!)!;
      const [first, last] = [Number(match.at(1)), Number(match.at(2))];
      const bytes = content.subarray(first, last + 1);
      response.writeHead(206, { 'content-range': `bytes ${first}-${last}/${SIZE}`, 'content-length': bytes.byteLength });
      if (count > 0) response.end(bytes);
      else response.write(bytes.subarray(0, 7), () => response.destroy());
    });
    expect(Buffer.from(await part(server, 100, 200)).equals(content.subarray(100, 200))).toBe(true);
    expect(ranges(server)).toEqual(['bytes=100-199', 'bytes=107-199']);
  });

  it.each([
    [-1, 5],
    [5, 4],
    [0, SIZE + 1],
    [0.5, 5],
    [Number.NaN, 5],
  ])('refuses %d to %d', async (start, end) => {
    expect(() => testClient().openBlobRange('a.example/b', descriptor, { start, end })).toThrow(RangeError);
    await Promise.resolve();
  });
});

it('hands compressed layers on as they are, whatever they are called and however they are labelled on the way', async () => {
  const gzip = new Uint8Array(gzipSync(content.subarray(0, 5000)));
  const blob = toBlob(gzip, 'application/vnd.oci.image.layer.v1.tar+zstd').descriptor;
  const server = await scripted(
    (_, response) => void response.writeHead(200, { 'content-encoding': 'gzip', 'content-length': gzip.byteLength }).end(gzip),
  );
  expect(Buffer.from(await fetchFrom(server, blob)).equals(gzip)).toBe(true);
});

it('hasBlob believes digest and size together', async () => {
  const registry = await testRegistry();
  registry.repository('a').put(content);
  const client = testClient();
  const name = `${registry.registry}/a`;
  expect(await client.hasBlob(name, descriptor)).toBe(true);
  expect(await client.hasBlob(name, { ...descriptor, size: 5 })).toBe(false);
  expect(await client.hasBlob(name, toBlob(new Uint8Array(1), 'x').descriptor)).toBe(false);
});

it('hasBlob does not fail where storage answers no HEAD', async () => {
  const storage = await scripted((_, response) => void response.writeHead(403).end());
  const server = await scripted((_, response) => void response.writeHead(307, { location: `${storage.url}/x?signature=1` }).end());
  expect(await testClient().hasBlob(`${server.host}/a`, descriptor)).toBe(false);
  expect(await failure(testClient().hasBlob(`${storage.host}/a`, descriptor))).toMatchObject({ code: 'DENIED' });
});

it('serves readBlob as any source does', async () => {
  const registry = await testRegistry();
  const small = registry.repository('a').put(pattern(100));
  expect((await readBlob(testClient().source(`${registry.registry}/a`), small)).byteLength).toBe(100);
});

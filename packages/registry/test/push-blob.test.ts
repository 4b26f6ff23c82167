import type { IncomingMessage, ServerResponse } from 'node:http';
import { toBlob } from '@cfskit/fixtures';
import { collectingReporter } from '@cfskit/progress';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { BlobContent, PushBlobOptions, RegistryClientOptions } from '../src/index.ts';
import type { TestRegistry, TestRegistryOptions } from '../src/testing/index.ts';
import { answered, failure, pattern, scripted, testClient, testClock, testRegistry } from './support.ts';

const SIZE = 1_000_000;
const { bytes: content, descriptor } = toBlob(pattern(SIZE), 'application/octet-stream');

async function* pieces(size = 60_000, bytes = content): AsyncGenerator<Uint8Array, void> {
  for (let at = 0; at < bytes.byteLength; at += size) yield await Promise.resolve(bytes.slice(at, at + size));
}

async function* failing(): AsyncGenerator<Uint8Array, void> {
  yield* pieces(60_000, content.subarray(0, 200_000));
  throw new Error('the disk is gone');
}

interface Push {
  readonly outcome: string;
  readonly registry: TestRegistry;
  readonly log: readonly string[];
}

/** Method and what matters of the target, of each request. */
const logOf = ({ requests }: TestRegistry): readonly string[] =>
  requests.map(({ method, path, headers }) => {
    const range = headers['content-range'];
    const target = path
      .replace('/v2/a/blobs/', '')
      .replace(/[0-9a-f]{8}-[0-9a-f-]{27}/, 'ID')
      .replace(/sha256(:|%3A)[0-9a-f]+/, 'DIGEST')
      .replace(/state=[0-9]+&?/, '')
      .replace(/\?$/, '');
    return `${method} ${target}${range === undefined ? '' : ` ${range}`}`;
  });

async function push(
  blob: BlobContent,
  options: PushBlobOptions = {},
  registryOptions: TestRegistryOptions = {},
  clientOptions: RegistryClientOptions = {},
): Promise<Push> {
  const registry = await testRegistry(registryOptions);
  const outcome = await testClient(clientOptions).pushBlob(`${registry.registry}/a`, descriptor, blob, options);
  expect(Buffer.from(registry.repository('a').blobs.get(descriptor.digest)!).equals(content)).toBe(true);
  return { outcome, registry, log: logOf(registry) };
}

/** An interceptor that deals with the requests that `when` picks, by their number among those. */
function onNth(
  when: (request: IncomingMessage) => boolean,
  act: (count: number, request: IncomingMessage, response: ServerResponse) => boolean,
) {
  let count = 0;
  return (request: IncomingMessage, response: ServerResponse): boolean => when(request) && act(count++, request, response);
}

describe('pushBlob', () => {
  it.each([
    ['bytes', () => content],
    ['a stream', () => pieces()],
    ['a function that opens one', () => () => pieces()],
    ['a stream of one chunk', () => pieces(SIZE)],
  ])('sends %s whole', async (_, make) => {
    const { outcome, log, registry } = await push(make());
    expect(outcome).toBe('pushed');
    expect(log).toEqual(['HEAD DIGEST', 'POST uploads/', 'PUT uploads/ID?digest=DIGEST']);
    expect(registry.requests.at(2)!.headers).toMatchObject({ 'content-type': 'application/octet-stream', 'content-length': String(SIZE) });
  });

  it('sends nothing that is there', async () => {
    const registry = await testRegistry();
    registry.repository('a').put(content);
    const reporter = collectingReporter();
    expect(await testClient().pushBlob(`${registry.registry}/a`, descriptor, content, { reporter })).toBe('present');
    expect(logOf(registry)).toEqual(['HEAD DIGEST']);
    expect(reporter.events).toEqual([{ type: 'skipped', id: descriptor.digest }]);
  });

  it('sends an empty blob', async () => {
    const registry = await testRegistry();
    const empty = toBlob(new Uint8Array(0), 'x');
    expect(await testClient().pushBlob(`${registry.registry}/a`, empty.descriptor, empty.bytes)).toBe('pushed');
    expect(registry.repository('a').blobs.get(empty.descriptor.digest)).toEqual(new Uint8Array(0));
  });

  it('reports what has been sent', async () => {
    const reporter = collectingReporter();
    await push(() => pieces(), { reporter });
    expect(reporter.events[0]).toEqual({ type: 'started', id: descriptor.digest, total: SIZE, unit: 'bytes' });
    expect(reporter.events.at(-2)).toEqual({ type: 'progress', id: descriptor.digest, fetched: SIZE, total: SIZE });
    expect(reporter.events.at(-1)).toEqual({ type: 'done', id: descriptor.digest, transferred: SIZE });
  });

  it('takes the blob from another repository if that has it', async () => {
    const registry = await testRegistry({ login: { scheme: 'bearer', username: 'u', password: 'p' } });
    registry.repository('b/c').put(content);
    const client = testClient({ credentials: () => Promise.resolve({ username: 'u', password: 'p' }) });
    expect(await client.pushBlob(`${registry.registry}/a`, descriptor, content, { mountFrom: ['x', 'b/c'] })).toBe('pushed'); // x has opened an upload
    registry.repository('a').blobs.clear();
    expect(await client.pushBlob(`${registry.registry}/a`, descriptor, content, { mountFrom: ['b/c'] })).toBe('mounted');
    const scopes = registry.requests
      .filter(({ path }) => path.startsWith('/token'))
      .map(({ path }) => new URL(path, registry.url).searchParams.getAll('scope'));
    expect(scopes.at(-1)).toEqual(['repository:a:pull,push', 'repository:b/c:pull']);
  });

  it('goes on with the upload that a mount in vain has opened', async () => {
    const { log } = await push(content, { mountFrom: ['b'] });
    expect(log).toEqual(['HEAD DIGEST', 'POST uploads/?mount=DIGEST&from=b', 'PUT uploads/ID?digest=DIGEST']);
  });

  it('goes on without a mount that is refused', async () => {
    const warnings: string[] = [];
    const intercept = onNth(
      ({ url }) => url!.includes('mount='),
      (_, __, response) => answered(response.writeHead(403).end()),
    );
    const { log } = await push(content, { mountFrom: ['b'] }, { intercept }, { onWarning: (text) => void warnings.push(text) });
    expect(log.slice(2)).toEqual(['POST uploads/', 'PUT uploads/ID?digest=DIGEST']);
    expect(warnings[0]).toMatch(/is not mounted from b: .* 403/);
  });
});

describe('chunks', () => {
  it('are sent one after another', async () => {
    const { log } = await push(() => pieces(), { chunkSize: 400_000 });
    expect(log.slice(2)).toEqual([
      'PATCH uploads/ID 0-399999',
      'PATCH uploads/ID 400000-799999',
      'PATCH uploads/ID 800000-999999',
      'PUT uploads/ID?digest=DIGEST',
    ]);
  });

  it('are as large as the registry wants them', async () => {
    const { log } = await push(() => pieces(), { chunkSize: 100 }, { chunkMinLength: 600_000 });
    expect(log.slice(2)).toEqual(['PATCH uploads/ID 0-599999', 'PATCH uploads/ID 600000-999999', 'PUT uploads/ID?digest=DIGEST']);
  });

  it('give the same blob however content and upload are cut', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 10_000, max: SIZE }), fc.integer({ min: 5000, max: SIZE }), async (piece, chunkSize) => {
        expect((await push(() => pieces(piece), { chunkSize })).outcome).toBe('pushed');
      }),
      { numRuns: 10 },
    );
  });

  it.each([
    [
      'by an error',
      1,
      (response: ServerResponse) => response.writeHead(502).end(),
      ['PATCH uploads/ID 0-399999', 'PATCH uploads/ID 400000-799999', 'GET uploads/ID', 'PATCH uploads/ID 400000-799999'],
    ],
    [
      // An empty upload is told by 0-0, which may also be one byte: it is begun anew.
      'before anything',
      0,
      (response: ServerResponse) => response.destroy(),
      ['PATCH uploads/ID 0-399999', 'GET uploads/ID', 'DELETE uploads/ID', 'POST uploads/', 'PATCH uploads/ID 0-399999'],
    ],
  ])('that fail %s are sent again from where the registry stands', async (_, nth, fail, expected) => {
    const clock = testClock();
    const intercept = onNth(
      ({ method }) => method === 'PATCH',
      (count, __, response) => count === nth && answered(fail(response)),
    );
    const { log } = await push(() => pieces(), { chunkSize: 400_000 }, { intercept }, { clock });
    expect(log.slice(2, 2 + expected.length)).toEqual(expected);
    expect(clock.slept.length).toBeGreaterThan(0);
  });

  it('of which half arrived are continued in the middle', async () => {
    // The registry takes 100 bytes of the second chunk and then fails.
    const registry: TestRegistry = await testRegistry({
      intercept: async (request, response) => {
        if (request.method !== 'PATCH' || request.headers['content-range'] !== '400000-799999') return false;
        const part = content.subarray(400_000, 400_100);
        const headers = { 'content-range': '400000-400099' };
        await fetch(`${registry.url}${request.url}`, { method: 'PATCH', body: part, headers });
        response.destroy();
        return true;
      },
    });
    await testClient().pushBlob(`${registry.registry}/a`, descriptor, () => pieces(), { chunkSize: 400_000 });
    expect(Buffer.from(registry.repository('a').blobs.get(descriptor.digest)!).equals(content)).toBe(true);
    expect(logOf(registry).filter((line) => line.startsWith('PATCH'))).toContain('PATCH uploads/ID 400100-800099');
  });

  it.each([
    ['less', '0-100'],
    ['more', '0-999999'],
    ['nonsense', 'x'],
  ])('after which the registry says it has %s are not followed by the next', async (_, range) => {
    const intercept = onNth(
      ({ method }) => method === 'PATCH',
      (count, request, response) => count === 0 && answered(response.writeHead(202, { location: request.url!, range }).end()),
    );
    const { log } = await push(() => pieces(), { chunkSize: 400_000 }, { intercept });
    expect(log[3]).toBe('GET uploads/ID');
  });

  it('that do not fit together are begun anew: 416', async () => {
    const intercept = onNth(
      ({ method }) => method === 'PATCH',
      (count, _, response) => count === 1 && answered(response.writeHead(416).end()),
    );
    const { log } = await push(() => pieces(), { chunkSize: 400_000 }, { intercept });
    expect(log.slice(4, 6)).toEqual(['GET uploads/ID', 'PATCH uploads/ID 400000-799999']);
  });

  it('of an upload that the registry has forgotten are begun anew', async () => {
    const intercept = onNth(
      ({ method }) => method === 'PATCH',
      (count, _, response) => count === 1 && answered(response.writeHead(404).end()),
    );
    const { log } = await push(() => pieces(), { chunkSize: 400_000 }, { intercept });
    expect(log.filter((line) => line === 'POST uploads/').length).toBeGreaterThanOrEqual(1);
  });

  it('of a stream that cannot be opened again are not sent again', async () => {
    const intercept = onNth(
      ({ method }) => method === 'PATCH',
      (count, _, response) => count === 1 && answered(response.destroy()),
    );
    expect(await failure(push(pieces(), { chunkSize: 400_000 }, { intercept }))).toMatchObject({
      code: 'SOURCE_SPENT',
      digest: descriptor.digest,
    });
  });

  it.each([0, -1, Number.NaN])('of %d bytes are no chunks', async (chunkSize) => {
    expect(await failure(push(content, { chunkSize }))).toBeInstanceOf(RangeError);
  });
});

describe('an upload that fails', () => {
  it.each([
    ['by a cut connection', (response: ServerResponse) => response.destroy()],
    ['by 503', (response: ServerResponse) => response.writeHead(503).end()],
  ])('%s is made again', async (_, fail) => {
    const intercept = onNth(
      ({ method }) => method === 'PUT',
      (count, __, response) => count === 0 && answered(fail(response)),
    );
    const { log } = await push(() => pieces(), {}, { intercept });
    expect(log.slice(1)).toEqual([
      'POST uploads/',
      'PUT uploads/ID?digest=DIGEST',
      'DELETE uploads/ID',
      'POST uploads/',
      'PUT uploads/ID?digest=DIGEST',
    ]);
  });

  it('by a cut connection is not made again with a stream that is spent', async () => {
    const intercept = onNth(
      ({ method }) => method === 'PUT',
      (count, _, response) => count === 0 && answered(response.destroy()),
    );
    expect(await failure(push(pieces(), {}, { intercept }))).toMatchObject({ code: 'SOURCE_SPENT' });
  });

  it.each([
    ['other bytes', () => pieces(60_000, pattern(SIZE).fill(1)), 'DIGEST_MISMATCH'],
    ['too few bytes', () => pieces(60_000, content.subarray(1)), 'SIZE_MISMATCH'],
    ['too many bytes', () => pieces(60_000, pattern(SIZE + 1)), 'SIZE_MISMATCH'],
  ] as const)('because its source has %s is taken back, and nothing is stored', async (_, make, code) => {
    for (const options of [{}, { chunkSize: 300_000 }]) {
      const registry = await testRegistry();
      expect(await failure(testClient().pushBlob(`${registry.registry}/a`, descriptor, make(), options))).toMatchObject({
        name: 'VerifyError',
        code,
      });
      expect(registry.repository('a').blobs.size).toBe(0);
      expect(logOf(registry)).toContain('DELETE uploads/ID');
    }
  });

  it('because its source fails passes that on', async () => {
    expect((await failure(push(failing))).message).toBe('the disk is gone');
  });

  it('by an abort ends with its reason', async () => {
    const controller = new AbortController();
    const source = async function* (): AsyncGenerator<Uint8Array, void> {
      yield* pieces(60_000, content.subarray(0, 200_000));
      controller.abort(new Error('enough'));
      yield* pieces(60_000, content.subarray(200_000));
    };
    expect((await failure(push(source, { signal: controller.signal }))).message).toBe('enough');
  });

  it('because the registry has another digest says so', async () => {
    const intercept = onNth(
      ({ method }) => method === 'PUT',
      (_, request, response) => {
        request.resume().on('end', () => response.writeHead(400).end('{"errors":[{"code":"DIGEST_INVALID","message":"no"}]}'));
        return true;
      },
    );
    expect(await failure(push(content, {}, { intercept }))).toMatchObject({ code: 'REJECTED', errors: [{ code: 'DIGEST_INVALID' }] });
  });

  it('because the registry says it stored something else', async () => {
    const intercept = onNth(
      ({ method }) => method === 'PUT',
      (_, request, response) => {
        request.resume().on('end', () => response.writeHead(201, { 'docker-content-digest': 'sha256:0' }).end());
        return true;
      },
    );
    expect(await failure(push(content, {}, { intercept }))).toMatchObject({ code: 'DIGEST_HEADER' });
  });

  it.each([
    ['nowhere', {}, 'UPLOAD_LOST'],
    ['to a file', { location: 'file:///etc/passwd' }, 'REDIRECT_REFUSED'],
    ['to the metadata service', { location: 'http://169.254.169.254/' }, 'REDIRECT_REFUSED'],
  ])('because the registry sends it %s', async (_, headers, code) => {
    const server = await scripted((request, response) => void response.writeHead(request.method === 'HEAD' ? 404 : 202, headers).end());
    expect(await failure(testClient().pushBlob(`${server.host}/a`, descriptor, content))).toMatchObject({ code });
  });

  it('when the registry is full', async () => {
    const intercept = onNth(
      ({ method }) => method === 'POST',
      (_, __, response) => answered(response.writeHead(413).end()),
    );
    expect(await failure(push(content, {}, { intercept }))).toMatchObject({ code: 'REJECTED', status: 413 });
  });
});

it('locations with a query, absolute, and new after each request are followed', async () => {
  const server = await scripted(async (request, response, count) => {
    if (request.method === 'HEAD') response.writeHead(404).end();
    for await (const _ of request);
    if (response.headersSent) return;
    const last = /-([0-9]+)$/.exec(request.headers['content-range'] ?? '')?.[1];
    const location = `http://${request.headers.host}/elsewhere/${count}?a=b%20c&d=${count}`;
    response.writeHead(request.method === 'PUT' ? 201 : 202, { location, ...(last !== undefined && { range: `bytes=0-${last}` }) }).end();
  });
  await testClient().pushBlob(`${server.host}/a`, descriptor, () => pieces(), { chunkSize: 600_000 });
  expect(server.seen.slice(2).map(({ method, path }) => `${method} ${path}`)).toEqual([
    'PATCH /elsewhere/1?a=b%20c&d=1',
    'PATCH /elsewhere/2?a=b%20c&d=2',
    `PUT /elsewhere/3?a=b%20c&d=3&digest=${encodeURIComponent(descriptor.digest)}`,
  ]);
});

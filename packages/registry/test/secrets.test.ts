import { inspect } from 'node:util';
import { image, withTempDir } from '@cfskit/fixtures';
import { collectingReporter } from '@cfskit/progress';
import { expect, it } from 'vitest';
import { type Credentials } from '../src/index.ts';
import { answered, collect, failure, pattern, scripted, store, testClient, testRegistry } from './support.ts';

// Whatever can be printed, logged or serialised is looked through for every secret there was.

const SECRETS = ['s3cret', Buffer.from('user:s3cret').toString('base64'), 't0ken', 'presigned'];
const packaged = image();

/** The secrets that are in something. */
function secretsIn(...things: readonly unknown[]): readonly string[] {
  return things.flatMap((thing) => {
    const texts = [
      inspect(thing, { depth: 20, showHidden: true, getters: true }),
      String(thing),
      JSON.stringify(thing),
      thing instanceof Error ? `${thing.stack} ${inspect(thing.cause)}` : '',
    ];
    return SECRETS.filter((secret) => texts.some((text) => (text ?? '').includes(secret)));
  });
}

const OUTCOMES: readonly (readonly [name: string, credentials: Credentials, status: number])[] = [
  ['a password that is good', { username: 'user', password: 's3cret' }, 200],
  ['a password that is refused', { username: 'user', password: 's3cret' }, 401],
  ['a password that may not', { username: 'user', password: 's3cret' }, 403],
  ['a password and a server that breaks', { username: 'user', password: 's3cret' }, 500],
  ['an identity token', { identityToken: 's3cret' }, 401],
  ['a registry token', { registryToken: 's3cret' }, 401],
];

it.each(OUTCOMES)('%s is told to nobody', async (_, credentials, status) => {
  const warnings: string[] = [];
  const reporter = collectingReporter();
  const server = await scripted((request, response) => {
    if (request.url!.startsWith('/token')) response.end('{"token":"t0ken"}');
    else if (request.headers.authorization === undefined)
      response.writeHead(401, { 'www-authenticate': `Bearer realm="http://${request.headers.host}/token?x=presigned"` }).end();
    else if (request.url!.includes('/blobs/')) response.writeHead(307, { location: '/storage?signature=presigned' }).end();
    else response.writeHead(status).end(status === 200 ? packaged.bytes : '');
  });
  const client = testClient({ credentials: () => Promise.resolve(credentials), onWarning: (text) => void warnings.push(text) });
  const outcome = await client.fetchManifest(`${server.host}/a:v1`).catch((error: unknown) => error);
  const blob = await failure(collect(client.fetchBlob(`${server.host}/a`, packaged.blobs.at(1)!.descriptor, { reporter })));
  const source = client.source(`${server.host}/a:v1`);
  expect(secretsIn(outcome, blob, client, source, source.describe(), warnings, reporter.events)).toEqual([]);
});

it('a login is told to nobody while it is pushed and downloaded with', async () => {
  const warnings: string[] = [];
  const reporter = collectingReporter();
  let faults = 0;
  const registry = await testRegistry({
    login: { scheme: 'basic', username: 'user', password: 's3cret' },
    intercept: (request, response) => request.method === 'PUT' && faults++ === 0 && answered(response.destroy()),
  });
  store(registry.repository('a'), packaged, 'v1');
  const credentials = { username: 'user', password: 's3cret' };
  const client = testClient({ credentials: () => Promise.resolve(credentials), onWarning: (text) => void warnings.push(text) });
  await withTempDir(async (directory) => {
    const blob = registry.repository('a').put(pattern(100));
    const result = await client.downloadBlob(`${registry.registry}/a`, blob, `${directory}/x`, { reporter });
    const pushed = await client.pushArtifact(`${registry.registry}/b:v1`, { artifactType: 'application/x' }, { reporter });
    expect(warnings).toHaveLength(1);
    expect(secretsIn(result, pushed, warnings, reporter.events, client)).toEqual([]);
  });
});

it('and secrets would be found', () => {
  expect(secretsIn('t0ken', { deep: { deeper: ['s3cret'] } }, new Error('x', { cause: new Error('presigned') }))).toEqual([
    't0ken',
    's3cret',
    'presigned',
  ]);
});

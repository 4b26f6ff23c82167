import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirFiles, dockerSaveEntries, flipBit, image, layoutFiles, layoutTar, tar, tarLayer, writeLayout } from '@cfskit/fixtures';
import { makeCertificate, startTestRegistry, type TestRegistry } from '@cfskit/registry/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { failure, json, ok, run, scratch } from './harness.ts';
import { contentsOf, putImage } from './registry-fixture.ts';
import { sampleImage } from './stored-fixture.ts';

const path = scratch();
const sample = sampleImage();
/** The same layers as plain tars: what an archive of Docker can hold. */
const plain = image({ layers: sample.tars.map((bytes) => tarLayer(bytes, 'none')) });
const USER = { username: 'alice', password: 'correct horse' };
const LOGIN = Buffer.from(`${USER.username}:${USER.password}`).toString('base64');
let open: TestRegistry;
let closed: TestRegistry;

beforeAll(async () => {
  open = await startTestRegistry();
  closed = await startTestRegistry({ login: { scheme: 'bearer', ...USER } });
  for (const registry of [open, closed]) putImage(registry, 'team/app', sample.image, 'v1');
  const files = layoutFiles([{ image: sample.image, tag: 'v1' }]);
  await writeLayout(path('layout'), files);
  await writeFile(path('oci.tar'), layoutTar(files));
  await writeLayout(path('dir'), dirFiles(sample.image));
  await writeFile(path('docker.tar'), tar(dockerSaveEntries([{ image: plain, names: ['app:v1'] }], 'flat')));
});
afterAll(async () => {
  await open.close();
  await closed.close();
});

const PLATFORM = '--platform=linux/amd64';
let count = 0;

/** Pull into a new repository; what is in it then. */
async function pulled(source: string, ...options: readonly string[]): Promise<Readonly<Record<string, string>>> {
  const repo = path(`repo ${count++}`);
  await ok(['init', '--insecure', repo]);
  const world = { cwd: path(), env: { HOME: path('home'), REGISTRY_AUTH_FILE: undefined } };
  await ok(['pull', '--repo', repo, source, 'app', PLATFORM, '-q', '--no-creds', ...options], world);
  return await contentsOf(repo);
}

describe('the same image', () => {
  it.each([
    ['oci-archive', () => `oci-archive:${path('oci.tar')}:v1`],
    ['oci-archive, relative and without tag', () => 'oci-archive:oci.tar'],
    ['dir', () => `dir:${path('dir')}`],
    ['docker', () => `docker://${open.registry}/team/app:v1`],
    ['registry', () => `registry:${open.registry}/team/app:v1`],
  ])('through %s: gives the repository that oci: gives', async (_, source) => {
    const wanted = await pulled(`oci:${path('layout')}:v1`);
    expect(Object.keys(wanted).length).toBeGreaterThan(10);
    expect(await pulled(source())).toEqual(wanted);
  });

  it('through docker-archive: gives all the same but the manifest, for such an archive has none', async () => {
    const wanted = await pulled(`oci:${path('layout')}:v1`);
    const found = await pulled(`docker-archive:${path('docker.tar')}:app:v1`);
    const layers = Object.entries(wanted).filter(([name]) => name.startsWith('streams/oci-layer-'));
    expect(layers).toHaveLength(2);
    expect(found).toMatchObject(Object.fromEntries(layers));
    const names = new Set([...Object.keys(wanted), ...Object.keys(found)]);
    const different = [...names].filter((name) => wanted[name] !== found[name]);
    expect(different.filter((name) => !/^(objects\/|streams\/oci-manifest-|streams\/refs\/oci\/app$)/.test(name))).toEqual([]);
    expect(different.filter((name) => name.startsWith('streams/oci-manifest-'))).toHaveLength(2);
  });
});

async function newRepository(): Promise<string> {
  const repo = path(`repo ${count++}`);
  await ok(['init', '--insecure', repo]);
  return repo;
}

/** Pull from the registry that wants a login. */
async function pullClosed(options: readonly string[], stdin = '', env: Readonly<Record<string, string>> = {}): ReturnType<typeof run> {
  const source = `docker://${closed.registry}/team/app:v1`;
  return await run(['pull', '--repo', await newRepository(), source, 'app', PLATFORM, '-q', ...options], {
    cwd: path(),
    stdin: [Buffer.from(stdin)],
    env: { HOME: path('home'), XDG_RUNTIME_DIR: path('run'), ...env },
  });
}

describe('credentials', () => {
  it('are refused without', async () => {
    for (const options of [[], ['--no-creds'], ['--creds', 'alice:wrong']]) {
      const { code, stderr } = await pullClosed(options);
      expect({ code, stderr }).toMatchObject({ code: 1, stderr: expect.stringContaining(closed.registry) });
      expect(stderr).not.toContain('wrong');
    }
  });

  it('come from the command line, from standard input, from a file', async () => {
    await writeFile(path('auth.json'), JSON.stringify({ auths: { [closed.registry]: { auth: LOGIN } } }));
    expect(await pullClosed(['--creds', 'alice:correct horse'])).toMatchObject({ code: 0, stderr: '' });
    expect(await pullClosed(['--creds=alice', '--password-stdin'], 'correct horse\n')).toMatchObject({ code: 0, stderr: '' });
    expect(await pullClosed(['--authfile', 'auth.json'])).toMatchObject({ code: 0, stderr: '' });
    expect(await pullClosed([], '', { REGISTRY_AUTH_FILE: path('auth.json') })).toMatchObject({ code: 0, stderr: '' });
    expect(await pullClosed(['--no-creds'], '', { REGISTRY_AUTH_FILE: path('auth.json') })).toMatchObject({ code: 1 });
  });

  it('of the command line go to the registry in the reference alone', async () => {
    const mirror = await startTestRegistry({ login: { scheme: 'basic', ...USER } });
    putImage(mirror, 'team/app', sample.image, 'v1');
    const ended = await pullClosed(['--creds', 'alice:correct horse', '--registry-mirror', mirror.url]);
    expect(ended).toMatchObject({ code: 0 });
    expect(mirror.requests.length).toBeGreaterThan(0);
    expect(mirror.requests.filter(({ headers }) => headers.authorization !== undefined)).toEqual([]);
    await mirror.close();
  });

  it.each([
    [['--creds', ':x'], '--creds: the user name is empty'],
    [['--creds', 'alice'], '--creds: wanted USER:PASSWORD'],
    [['--creds', 'alice:x', '--password-stdin'], '--password-stdin: --creds has a password already'],
    [['--password-stdin'], '--password-stdin: wanted --creds USER'],
    [['--creds', 'alice', '--password-stdin'], '--password-stdin: the password is empty'],
    [['--no-creds', '--creds', 'a:b'], 'exclude each other'],
    [['--no-creds', '--authfile', 'a'], 'exclude each other'],
    [['--tls-verify=maybe'], 'tls-verify'],
    [['--registry-mirror', 'https://mirror'], '--registry-mirror: wanted HOST'],
    [['--registry-mirror', 'a b'], '--registry-mirror: '],
    [['--platform', 'all'], 'indexes are not stored'],
  ])('%j is wrong usage', async (options, message) => {
    const ended = await pullClosed(options);
    expect(ended).toMatchObject({ code: 2, stdout: '' });
    expect(ended.stderr).toContain(message);
  });

  it('for what is in no registry are wrong usage', async () => {
    const ended = await run(['pull', 'oci:layout', '--creds', 'a:b', '--no-repo']);
    expect(ended).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('wanted an image in a registry') });
  });
});

describe('mirrors and seeds', () => {
  it('ask a mirror first', async () => {
    const mirror = await startTestRegistry();
    putImage(mirror, 'prefix/team/app', sample.image, 'v1');
    const before = open.requests.length;
    await pulled(`docker://${open.registry}/team/app:v1`, '--registry-mirror', `${mirror.url}/prefix/`);
    expect(open.requests).toHaveLength(before);
    expect(mirror.requests.length).toBeGreaterThan(3);
    await mirror.close();
  });

  it('take from a seed what it has; with --offline nothing else', async () => {
    const before = open.requests.length;
    await pulled(`docker://${open.registry}/team/app:v1`, '--seed', 'oci.tar', '--offline');
    expect(open.requests).toHaveLength(before);
    const repo = await newRepository();
    const { code, error } = await failure(['pull', '--repo', repo, `docker://${open.registry}/other:v1`, '--offline'], { cwd: path() });
    expect({ code, error }).toMatchObject({ code: 1, error: { code: 'OFFLINE' } });
    const bad = await failure(['pull', '--repo', repo, `docker://${open.registry}/other:v1`, '--seed', 'none.tar'], { cwd: path() });
    expect(bad).toMatchObject({ code: 1, error: { code: 'INVALID_SEED' } });
    expect(await readdir(repo)).toEqual(['meta.json']);
  });

  it('pass over a damaged seed with a warning, and fetch what it lacks', async () => {
    const bytes = await readFile(path('oci.tar'));
    const layer = sample.layers.at(0)!;
    await writeFile(path('damaged.tar'), flipBit(bytes, bytes.indexOf(layer.bytes) + 20));
    const repo = await newRepository();
    const argv = [
      'pull',
      '--repo',
      repo,
      `docker://${open.registry}/team/app:v1`,
      'app',
      PLATFORM,
      '--seed',
      path('damaged.tar'),
      '--no-creds',
    ];
    const ended = await run([...argv, '--progress=none', '--log=warn']);
    expect(ended).toMatchObject({ code: 0 });
    expect(ended.stderr).toContain('damaged.tar');
    await rm(path('damaged.tar'));
  });
});

it('says what a registry said', async () => {
  const repo = await newRepository();
  const { code, error } = await failure(['pull', '--repo', repo, `docker://${open.registry}/team/app:none`, '--no-creds']);
  expect(code).toBe(1);
  expect(error).toMatchObject({ code: 'MANIFEST_UNKNOWN', detail: { registry: open.registry, repository: 'team/app' } });
  expect(await json('pull', ['pull', '--repo', repo, `docker://${open.registry}/team/app:v1`, '-q', PLATFORM, '--no-creds'])).toMatchObject(
    {
      source: `docker://${open.registry}/team/app:v1`,
      manifest_digest: sample.image.descriptor.digest,
    },
  );
});

it('trusts the certificates it is told to trust, and any when it is told so', async () => {
  const tls = makeCertificate();
  await mkdir(path('certs'));
  await writeFile(path('certs', 'ca.crt'), tls.ca);
  const registry = await startTestRegistry({ tls });
  putImage(registry, 'team/app', sample.image, 'v1');
  const source = `docker://${registry.registry}/team/app:v1`;
  const repo = await newRepository();
  const untrusted = await failure(['pull', '--repo', repo, source, '--no-creds'], { cwd: path() });
  expect(untrusted).toMatchObject({ code: 1, error: { code: 'TLS', detail: { registry: registry.registry } } });
  expect(await pulled(source, '--cert-dir=certs')).toEqual(await pulled(source, '--tls-verify=false'));
  await registry.close();
});

it('refuses a layer that is not packed as its media type says, which copy passes on as it is', async () => {
  const layer = tarLayer(sample.tars.at(0)!, 'none');
  const mislabelled = { ...layer, descriptor: { ...layer.descriptor, mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip' } };
  await writeLayout(path('mislabelled'), layoutFiles([{ image: image({ layers: [mislabelled] }), tag: 'v1' }]));
  const { code, error } = await failure(['pull', '--repo', await newRepository(), 'oci:mislabelled:v1', PLATFORM], { cwd: path() });
  expect({ code, error }).toMatchObject({ code: 1, error: { code: 'BAD_MAGIC', detail: { blob: layer.descriptor.digest } } });
  await ok(['copy', 'oci:mislabelled:v1', 'dir:passed on', '-q'], { cwd: path() });
});

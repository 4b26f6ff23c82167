import { spawnSync } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import {
  image,
  layoutFiles,
  REGISTRY_USER,
  startDockerRegistry,
  tarLayer,
  toolsAbsent,
  writeLayout,
  type DockerRegistry,
} from '@cfskit/fixtures';
import { makeCertificate } from '@cfskit/registry/testing';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { document, ok, scratch } from './harness.ts';
import { contentsOf } from './registry-fixture.ts';
import { sampleImage } from './stored-fixture.ts';
import { runCli, TINY, type Exited } from './spawn-cli.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 }); // processes of their own, on machines that may be busy

const { username: USER, password: PASSWORD } = REGISTRY_USER;
const PLATFORM = '--platform=linux/amd64';
const path = scratch();

const cli = (...argv: readonly string[]): Promise<Exited> =>
  runCli(argv, { env: { HOME: path('home'), XDG_RUNTIME_DIR: path('run') }, cwd: path() });

async function succeeds(...argv: readonly string[]): Promise<string> {
  const ended = await cli(...argv);
  expect(ended).toMatchObject({ code: 0, stderr: '' });
  return ended.stdout;
}

/** Pull into a new repository under the same tag, with a process where a registry is asked; what is in it then. */
async function pulled(name: string, source: string, ...options: readonly string[]): Promise<Readonly<Record<string, string>>> {
  await ok(['init', '--insecure', path(name)]);
  const argv = ['pull', '--repo', path(name), source, 'app', PLATFORM, '-q', ...options];
  await (source.startsWith('docker:') && !options.includes('--offline') ? succeeds(...argv) : ok(argv, { cwd: path() }));
  return await contentsOf(path(name));
}

/** The layers of a repository: each name, and the stream that it leads to. */
function layersOf(all: Readonly<Record<string, string>>): readonly (readonly [string, string])[] {
  return Object.entries(all).filter(([name]) => name.startsWith('streams/oci-layer-'));
}

describe.skipIf(toolsAbsent('docker-registry'))('docker-registry', () => {
  const CERTS = '--cert-dir=certs';
  let registry: DockerRegistry;
  let host = '';
  let remote = '';
  beforeAll(async () => {
    for (const name of ['home', 'run']) await mkdir(path(name));
    registry = await startDockerRegistry(path(), makeCertificate());
    ({ host } = registry);
    remote = `docker://${host}/team/app:v1`;
  });
  afterAll(() => registry.stop());

  it('wants a certificate that holds, and a login that it knows', async () => {
    const login = ['login', host, '-u', USER, '-p', PASSWORD, '--authfile=none.json'];
    expect(await cli(...login)).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('certificate') });
    const wrong = ['login', host, '-u', USER, '-p', 'wrong', CERTS, '--authfile=none.json', '--json'];
    expect(document('error', (await cli(...wrong)).stderr)).toMatchObject({ error: { code: 'UNAUTHORIZED' } });
    expect(await succeeds(...login, '--tls-verify=false')).toBe('Login succeeded\n');
    expect(await succeeds('login', host, '-u', USER, '-p', PASSWORD, CERTS)).toBe('Login succeeded\n');
    expect(document('error', (await cli('tags', `${host}/team/app`, CERTS, '--no-creds', '--json')).stderr)).toMatchObject({
      error: { code: 'UNAUTHORIZED' },
    });
  });

  it('takes an image and gives it back: the same repository from everywhere, file by file, link by link', async () => {
    const { manifest_digest: digest } = document('copy', await succeeds('copy', TINY, remote, CERTS, '-q', '--json')) as {
      manifest_digest: string;
    };
    expect(await succeeds('tags', `${host}/team/app`, CERTS)).toBe('v1\n');
    expect(await succeeds('manifest', remote, CERTS, '--digest')).toBe(`${digest}\n`);
    expect(document('copy', await succeeds('copy', TINY, remote, CERTS, '-q', '--json'))).toMatchObject({
      blobs_copied: 0,
      bytes_copied: 0,
    });
    await succeeds('copy', remote, 'oci-archive:image.tar:v1', CERTS, '-q');
    await succeeds('copy', remote, 'dir:image', PLATFORM, CERTS, '-q');
    await succeeds('fetch', remote, '--output=layout', PLATFORM, CERTS, '-q');

    const wanted = await pulled('from oci', TINY);
    expect(layersOf(wanted).length).toBeGreaterThan(1);
    expect(await pulled('from docker', remote, CERTS)).toEqual(wanted);
    expect(await pulled('from oci-archive', 'oci-archive:image.tar:v1')).toEqual(wanted);
    expect(await pulled('from dir', 'dir:image')).toEqual(wanted);
    expect(await pulled('from fetch', 'oci:layout:v1')).toEqual(wanted);
    expect(await pulled('from a seed', remote, '--seed=image.tar', '--offline')).toEqual(wanted);
    const again = await succeeds('pull', '--repo', path('from docker'), remote, 'app', PLATFORM, '-q', CERTS, '--json');
    expect(document('pull', again)).toMatchObject({ bytes_fetched: 0, manifest_digest: expect.stringMatching(/^sha256:/) });
    expect(await succeeds('inspect', remote, PLATFORM, '--no-repo', CERTS, '--manifest')).toBe(
      await ok(['inspect', 'app', '--repo', path('from docker'), '--manifest']),
    );
    expect(await ok(['oci', 'fsck', '-q', '--repo', path('from docker')])).toContain('status: ok');
  });

  it.skipIf(toolsAbsent('skopeo'))('and skopeo copy what the other pushed; its docker-archive: gives identical layers', async () => {
    const skopeo = (...args: readonly string[]): void => {
      const { status, stderr } = spawnSync('skopeo', ['--insecure-policy', '--override-arch=amd64', '--override-os=linux', ...args], {
        encoding: 'utf8',
        cwd: path(),
      });
      expect({ status, stderr: status === 0 ? '' : stderr }).toEqual({ status: 0, stderr: '' });
    };
    const gzipped = image({ layers: sampleImage().tars.map((bytes) => tarLayer(bytes, 'gzip')) }); // archives of Docker have no zstd
    await writeLayout(path('gzipped'), layoutFiles([{ image: gzipped, tag: 'v1' }]));
    const source = `docker://${host}/gzipped:v1`;
    await succeeds('copy', 'oci:gzipped:v1', source, CERTS, '-q');
    const wanted = await pulled('wanted', 'oci:gzipped:v1');
    const access = ['--src-cert-dir=certs', `--src-creds=${USER}:${PASSWORD}`];
    skopeo('copy', ...access, source, 'docker-archive:docker.tar:reg.io/team/app:v1');
    skopeo('copy', ...access, source, 'dir:by skopeo');
    skopeo('copy', ...access, source, 'oci-archive:by-skopeo.tar:v1');
    skopeo(
      'copy',
      '--dest-cert-dir=certs',
      `--dest-creds=${USER}:${PASSWORD}`,
      'oci-archive:by-skopeo.tar:v1',
      `docker://${host}/by-skopeo:v1`,
    );
    expect(await pulled('dir', 'dir:by skopeo')).toEqual(wanted);
    expect(await pulled('oci-archive', 'oci-archive:by-skopeo.tar:v1')).toEqual(wanted);
    expect(await pulled('pushed', `docker://${host}/by-skopeo:v1`, CERTS)).toEqual(wanted);
    expect(layersOf(await pulled('docker-archive', 'docker-archive:docker.tar:reg.io/team/app:v1'))).toEqual(layersOf(wanted));
  });

  it('is forgotten at the end', async () => {
    expect(await succeeds('logout', host)).toBe(`Removed login for ${host}\n`);
    expect(await cli('tags', `${host}/team/app`, CERTS)).toMatchObject({ code: 1, stdout: '' });
  });
});

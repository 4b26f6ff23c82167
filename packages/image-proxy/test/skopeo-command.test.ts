import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { complaintOf } from '../src/foreign-text.ts';
import { skopeoLauncher } from '../src/program.ts';
import { skopeoArguments, type SkopeoOptions, type Subcommand } from '../src/skopeo-options.ts';

const own = (prefix: string): string =>
  `${prefix}authfile /auth ${prefix}no-creds ${prefix}tls-verify=false ${prefix}cert-dir /certs ${prefix}shared-blob-dir /blobs ${prefix}daemon-host unix:///d`;

describe('arguments', () => {
  const platform = { os: 'linux', architecture: 'arm', variant: 'v7' };
  const all: SkopeoOptions = {
    authfile: '/auth',
    noCreds: true,
    tlsVerify: false,
    certDir: '/certs',
    sharedBlobDir: '/blobs',
    daemonHost: 'unix:///d',
    policy: '/policy',
    insecurePolicy: true,
    registriesDir: '/registries',
  };
  const shared =
    '--policy /policy --insecure-policy --registries.d /registries --override-os linux --override-arch arm --override-variant v7 --tmpdir /tmp';

  it.each<[Subcommand, string]>([
    ['experimental-image-proxy', '--'],
    ['inspect', '--'],
    ['copy', '--src-'],
  ])('of %s', (subcommand, prefix) => {
    expect(skopeoArguments(subcommand, all, { platform, tmpdir: '/tmp' }).join(' ')).toBe(`${shared} ${subcommand} ${own(prefix)}`);
    expect(skopeoArguments(subcommand, {}, { platform: undefined, tmpdir: '/tmp' })).toEqual(['--tmpdir', '/tmp', subcommand]);
  });
});

describe('programs', () => {
  const directory = mkdtempSync(join(tmpdir(), 'programs-'));
  const path = (name: string): string => join(directory, name);
  beforeAll(() => {
    for (const name of ['skopeo', 'podman', 'plain']) {
      writeFileSync(path(name), '');
      chmodSync(path(name), name === 'plain' ? 0o644 : 0o755);
    }
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));
  const env = { PATH: directory };
  const user = { userId: 1000, isMainThread: true };

  it('are found on PATH, in the environment that skopeo gets', () => {
    expect(skopeoLauncher('oci', { env }, user)).toEqual({ program: path('skopeo'), args: [] });
    expect(skopeoLauncher('oci', { env: {}, cwd: directory, skopeo: './skopeo' }, user)).toEqual({ program: path('skopeo'), args: [] });
  });

  it('enter the user namespace for the storage of an ordinary user', () => {
    expect(skopeoLauncher('containers-storage', { env }, user)).toEqual({ program: path('podman'), args: ['unshare', path('skopeo')] });
    expect(skopeoLauncher('containers-storage', { env }, { ...user, userId: 0 })).toEqual({ program: path('skopeo'), args: [] });
    expect(skopeoLauncher('containers-storage', { env }, { ...user, userId: undefined })).toEqual({ program: path('skopeo'), args: [] });
    const message = expect.stringContaining('no-podman is not on PATH; the containers storage of an ordinary user') as string;
    const options = { env, podman: 'no-podman' };
    expect(() => skopeoLauncher('containers-storage', options, user)).toThrow(expect.objectContaining({ code: 'SKOPEO_MISSING', message }));
  });

  it('are tied to our life, where there is a program for that, by the main thread', () => {
    writeFileSync(path('setpriv'), '');
    chmodSync(path('setpriv'), 0o755);
    const args = ['--pdeathsig', 'SIGTERM', '--', path('skopeo')];
    expect(skopeoLauncher('oci', { env }, user)).toEqual({ program: path('setpriv'), args });
    expect(skopeoLauncher('oci', { env }, { ...user, isMainThread: false })).toEqual({ program: path('skopeo'), args: [] });
  });

  it.each([
    ['plain', 'plain is not on PATH'],
    ['./plain', './plain is not executable'],
    ['./none', './none does not exist'],
    ['.', '. is not on PATH'],
  ])('that are none: %s', (skopeo, message) => {
    const error = expect.objectContaining({ code: 'SKOPEO_MISSING', message: expect.stringContaining(message) as string });
    expect(() => skopeoLauncher('oci', { env, cwd: directory, skopeo }, user)).toThrow(error);
  });
});

it.each([
  ['', ''],
  ['one\ntwo\n', 'two'],
  ['time="x" level=fatal msg="unknown flag: --x"\nSee help\n', 'unknown flag: --x'],
  ['time="x" level=info msg=started\ntime="x" level=error msg=failed\ntime="x" level=debug msg="more"\n', 'failed'],
  ['level=fatal msg="a \\"b\\"\\nc"', 'a "b" c'],
  ['level=fatal msg="a\\x00b"', 'a\\x00b'],
  ['Error: cannot use command "podman-remote unshare"\n', 'Error: cannot use command "podman-remote unshare"'],
  ['panic: runtime error\ngoroutine 1 [running]:\n', 'panic: runtime error'],
  ['x'.repeat(1000), `${'x'.repeat(300)}…`],
])('of %j the complaint is %j', (stderr, complaint) => expect(complaintOf(stderr)).toBe(complaint));

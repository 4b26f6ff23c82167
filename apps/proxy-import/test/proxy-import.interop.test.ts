import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { image, layoutFiles, tar, tarLayer, toolsAbsent, writeLayout } from '@cfskit/fixtures';
import { importImage } from '@cfskit/oci-import';
import { openOciDir } from '@cfskit/ocidir';
import { openRepository } from '@cfskit/repository';
import { beforeAll, describe, expect, it } from 'vitest';
import { contentOf, newRepository, PROGRAM, run, scratch } from './harness.ts';
import { startRegistry } from './registry-stub.ts';

const BUILDAH = 'buildah';
const platform = { os: 'linux', architecture: 'amd64' };
const PLATFORM = '--platform=linux/amd64';
const packaged = image({
  layers: [
    tarLayer(
      tar([
        { path: 'usr/', type: 'dir' },
        { path: 'usr/file', content: 'x'.repeat(100_000) },
      ]),
      'gzip',
    ),
    tarLayer(tar([{ path: 'usr/small', content: 'small' }]), 'gzip'),
  ],
});
/** Of the layer that is read first. */
const largest = packaged.blobs
  .map(({ descriptor }) => descriptor)
  .filter(({ mediaType }) => mediaType.includes('layer'))
  .toSorted((a, b) => b.size - a.size)
  .at(0)!.digest;
const directory = scratch();
const layout = join(directory, 'layout');
const storage = join(directory, 'storage').replaceAll(' ', '_');
let expected: readonly string[] = [];

/** What a repository holds after a layout has been read by our own reader. */
async function direct(path: string): Promise<readonly string[]> {
  const repo = await newRepository(join(directory, `direct ${Math.random()}`));
  const repository = await openRepository(repo, { insecure: true });
  await importImage(repository, await openOciDir(path, { tag: '1' }), { name: 'demo', platform });
  await repository.close();
  return contentOf(repo);
}

beforeAll(async () => {
  await writeLayout(layout, layoutFiles([{ image: packaged, tag: '1' }]));
  expected = await direct(layout);
});

/** What a repository holds after a pull. */
async function pulled(source: string, ...options: readonly string[]): Promise<readonly string[]> {
  const repo = await newRepository(join(directory, `repo ${Math.random()}`));
  const { code, stderr } = await run(['--repo', repo, '-q', PLATFORM, ...options, source, 'demo']);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return contentOf(repo);
}

function start(argv: readonly string[]): ChildProcess {
  return spawn(process.execPath, [PROGRAM, ...argv], { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, TMPDIR: directory } });
}

/** The skopeo on PATH, and those of other versions that CFSKIT_TEST_SKOPEOS names. */
const skopeos = ['skopeo', ...(process.env['CFSKIT_TEST_SKOPEOS'] ?? '').split(':').filter((path) => path !== '')];
const ways = skopeos.flatMap((skopeo) => ['packet', 'ipc', 'staging'].map((via) => ({ skopeo, via })));

/** The image in a storage of containers. */
function stored(): string {
  const store = `${storage}-${Math.random()}`;
  const reference = `containers-storage:[vfs@${store}+${store}-run]localhost/app:1`;
  execFileSync('skopeo', ['copy', '-q', `oci:${layout}:1`, reference]);
  return reference;
}

describe.skipIf(toolsAbsent('skopeo')).each(ways)('the same repository by $skopeo, $via', ({ skopeo, via }) => {
  const options = [`--skopeo=${skopeo}`, `--via=${via}`];

  it('comes from a layout', async () => {
    expect(await pulled(`oci:${layout}:1`, ...options)).toEqual(expected);
  });

  it('comes from a registry', async () => {
    await using registry = await startRegistry(packaged);
    expect(await pulled(registry.reference, '--tls-verify=false', ...options)).toEqual(expected);
  });

  it.skipIf(process.getuid?.() !== 0)('comes from the storage of containers', async () => {
    expect(await pulled(stored(), ...options)).toEqual(expected);
  });

  it.each(['damaged', 'missing', 'longer'])('gets no name from a layer that is %s', async (state) => {
    const broken = join(directory, `${state} ${via}`);
    await writeLayout(broken, layoutFiles([{ image: packaged, tag: '1' }]));
    const blob = join(broken, 'blobs', largest.replace(':', '/'));
    const bytes = readFileSync(blob);
    if (state === 'missing') rmSync(blob);
    else writeFileSync(blob, state === 'longer' ? Buffer.concat([bytes, bytes]) : bytes.fill(0, bytes.byteLength / 2));
    const repo = await newRepository(join(directory, `none ${Math.random()}`));
    const { code, stderr } = await run(['--repo', repo, '-q', PLATFORM, ...options, '--jobs=1', `oci:${broken}:1`, 'demo']);
    expect(code).toBe(1);
    expect(stderr).toContain('sha256:');
    expect(namedOrTemporary(repo)).toEqual([]);
  });
});

it.skipIf(toolsAbsent('skopeo') || process.getuid?.() !== 0).each(['auto', 'zerocopy'])(
  'the same repository comes from the storage of containers without skopeo, %s',
  async (mode) => {
    expect(await pulled(stored(), `--local-fetch=${mode}`, '--skopeo=/nonexistent')).toEqual(expected);
  },
);

it.skipIf(toolsAbsent('skopeo', BUILDAH) || process.getuid?.() !== 0)(
  'the same repository comes from an image that buildah made',
  async () => {
    const place = ['--root', `${storage}-buildah`, '--runroot', `${storage}-run`, '--storage-driver', 'vfs'];
    const buildah = (...args: readonly string[]): string => execFileSync(BUILDAH, [...place, ...args], { encoding: 'utf8' }).trim();
    const made = join(directory, 'made');
    const container = buildah('from', 'scratch');
    mkdirSync(join(directory, 'files/usr'), { recursive: true });
    buildah('copy', container, join(directory, 'files'), '/');
    buildah('commit', '-q', container, 'localhost/made:1');
    buildah('push', '-q', 'localhost/made:1', `oci:${made}:1`); // which compresses: what lies in the storage so far has another manifest
    const reference = `containers-storage:[vfs@${storage}-buildah+${storage}-run]localhost/made:2`;
    execFileSync('skopeo', ['copy', '-q', `oci:${made}:1`, reference]);
    expect(await pulled(reference)).toEqual(await direct(made));
  },
);

describe.skipIf(toolsAbsent('skopeo'))('a process', () => {
  it('prints what cfskit pull prints', async () => {
    const repo = await newRepository(join(directory, 'printing'));
    const child = spawnSync(process.execPath, [PROGRAM, '--repo', repo, PLATFORM, `oci:${layout}:1`, 'demo'], { encoding: 'utf8' });
    expect({ status: child.status, lines: child.stdout.split('\n').map((line) => line.slice(0, 9)) }).toEqual({
      status: 0,
      lines: ['manifest ', 'config   ', 'verity   ', 'tagged   ', 'objects  ', 'image    ', ''],
    });
    const { stdout } = await run(['--repo', repo, PLATFORM, `oci:${layout}:1`, '--json']);
    expect(JSON.parse(stdout)).toMatchObject({ source: `oci:${layout}:1`, manifest_digest: packaged.descriptor.digest, bytes_fetched: 0 });
  });

  it.each(['packet', 'ipc'])('that is interrupted ends with 130 and leaves nothing behind, %s', async (via) => {
    const large = image({ layers: [tarLayer(tar([{ path: 'a', content: 'y'.repeat(1_000_000) }]), 'none')] });
    await using registry = await startRegistry(large, 400_000);
    const repo = await newRepository(join(directory, `interrupted ${via}`));
    const child = start(['--repo', repo, PLATFORM, '--tls-verify=false', `--via=${via}`, registry.reference, 'demo']);
    const exited = new Promise((resolve) => child.on('exit', (code) => resolve(code)));
    await registry.stalled;
    const children = childrenOf(child.pid!);
    expect(children).not.toEqual([]);
    child.kill('SIGINT');
    expect(await exited).toBe(130);
    expect(children.filter(isAlive)).toEqual([]);
    expect(namedOrTemporary(repo)).toEqual([]);
  });
});

it.each([
  [['no-such-transport:x'], 'SOURCE'],
  [['docker://bad name'], 'SOURCE'],
  [['oci:x', '@tag'], 'NAME'],
  [['oci:x', '--platform', 'all'], '--platform all'],
  [['oci:x', '--registry-mirror', 'm'], 'registries.conf'],
  [['oci:x', '--via', 'pigeon'], '--via'],
  [['containers-storage:x', '--via', 'ipc', '--local-fetch', 'auto'], '--local-fetch auto: not together with --via ipc'],
  [[], 'SOURCE'],
])('%j is wrong usage', async (argv, message) => {
  const { code, stdout, stderr } = await run(argv);
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr).toContain(message);
});

it('says in a line that there is no skopeo', async () => {
  const repo = await newRepository(join(directory, 'without'));
  const { code, stderr } = await run(['--repo', repo, '-q', '--skopeo', 'no-such-skopeo', `oci:${layout}:1`]);
  expect(code).toBe(1);
  expect(stderr).toMatch(/^proxy-import: no-such-skopeo is not on PATH; .*\n$/);
});

it('has help and a version', async () => {
  expect(await run(['--help'])).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('proxy-import [OPTIONS] SOURCE [NAME]') as string,
  });
  expect(await run(['--version'])).toMatchObject({ code: 0, stdout: expect.stringMatching(/^proxy-import \d/) as string });
});

/** Streams, references and temporary files in a repository. */
function namedOrTemporary(repo: string): readonly string[] {
  return readdirSync(repo, { recursive: true })
    .map(String)
    .filter((path) => /refs|\.tmp|oci-/.test(path));
}

function childrenOf(pid: number): readonly number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  return text === '' ? [] : text.split(' ').map(Number);
}

function isAlive(pid: number): boolean {
  return existsSync(`/proc/${pid}`) && !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
}

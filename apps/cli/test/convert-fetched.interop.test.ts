import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { image, imageIndex, tar, tarLayer, toolsAbsent, type Layer, type Packaged, type TarEntry } from '@cfskit/fixtures';
import { startTestRegistry, type TestRegistry } from '@cfskit/registry/testing';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { ok, run, scratch } from './harness.ts';
import { putImage } from './registry-fixture.ts';

vi.setConfig({ testTimeout: 60_000 });

const path = scratch();
const PLATFORM = '--platform=linux/amd64';
const isRoot = process.getuid?.() === 0;
/** So that whoever unpacks may set it. */
const owner = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0, mtime: 1_600_000_000 };
const layerOf = (entries: readonly TarEntry[], compression: 'gzip' | 'none' = 'gzip'): Layer =>
  tarLayer(tar(entries.map((entry) => Object.assign({}, owner, entry))), compression);

const BASE = layerOf([
  { path: 'data/', type: 'dir', mode: 0o711 },
  { path: 'data/hello', content: 'hello\n' },
  { path: 'data/old', content: 'old' },
  { path: 'opaque/', type: 'dir' },
  { path: 'opaque/old', content: 'old' },
]);
const TOP = layerOf([
  { path: 'data/.wh.old' },
  { path: 'data/link', type: 'hardlink', target: 'data/hello' },
  { path: 'opaque/', type: 'dir' },
  { path: 'opaque/.wh..wh..opq' },
  { path: 'opaque/new', content: 'new' },
  { path: `${'a'.repeat(95)}/`, type: 'dir' },
  { path: `${'a'.repeat(95)}/file`, content: 'long' },
  { path: 'sym', type: 'symlink', target: 'b'.repeat(101) },
]);
const IMAGES: Readonly<Record<string, Packaged>> = {
  'team/two-layers': image({ layers: [BASE, TOP] }),
  'team/one-layer': image({
    layers: [
      layerOf(
        [
          { path: 'etc/', type: 'dir' },
          { path: 'etc/fifo', type: 'fifo' },
        ],
        'none',
      ),
    ],
  }),
};
const DOCKER = 'application/vnd.docker';
const docker = image({ layers: [BASE], mediaType: `${DOCKER}.distribution.manifest.v2+json` });
const index = imageIndex([{ image: docker, platform: { os: 'linux', architecture: 'amd64' } }]);

let registry: TestRegistry;
beforeAll(async () => {
  registry = await startTestRegistry();
  for (const [name, one] of Object.entries(IMAGES)) putImage(registry, name, one, 'v1');
  putImage(registry, 'team/docker', docker, 'v1');
  putImage(registry, 'team/index', index, 'v1');
});
afterAll(() => registry.close());

const world = (): object => ({ cwd: path(), env: { HOME: path('home'), XDG_RUNTIME_DIR: path('run') } });
/** As ocirender has it: without a transport. */
const nameOf = (name: string): string => `${registry.registry}/${name}:v1`;
const blobs = (layout: string): string[] => readdirSync(path(layout, 'blobs/sha256'));

describe('fetch --manifest-only', () => {
  it.each([
    ['of Docker types', 'team/docker'],
    ['below an index', 'team/index'],
  ])('fetches exactly one manifest %s', async (_, name) => {
    const output = `only ${name.replace('/', ' ')}`;
    await ok(['fetch', '--image', nameOf(name), '--output', output, '--manifest-only', PLATFORM, '-q'], world());
    expect(blobs(output)).toEqual([docker.descriptor.digest.slice('sha256:'.length)]);
  });
});

/** Fetch an image into a layout, and have it unpacked by umoci. */
async function fetchedAndUnpacked(name: string): Promise<{ layout: string; reference: string }> {
  const layout = `layout-${name.replace('/', '-')}`;
  await ok(['fetch', '--image', nameOf(name), '--output', layout, PLATFORM, '-q'], world());
  const { manifests } = JSON.parse(readFileSync(path(layout, 'index.json'), 'utf8')) as {
    manifests: { annotations: Readonly<Record<string, string>> }[];
  };
  const tag = manifests.at(0)?.annotations['org.opencontainers.image.ref.name'] ?? '';
  const bundle = path(`bundle ${name.replace('/', ' ')} ${bundles++}`);
  execFileSync('umoci', ['unpack', ...(isRoot ? [] : ['--rootless']), '--image', `${path(layout)}:${tag}`, bundle], { stdio: 'ignore' });
  return { layout, reference: `${bundle}/rootfs` };
}

let bundles = 0;

/** Without root, umoci notes on what it unpacks the owner that the image says. */
const OWNER_NOTE = ': xattr user.rootlesscontainers: generated=none reference=';

/** umoci leaves the root as it made it, and what it notes for itself is in no image. */
async function differences(reference: string, ...subject: readonly string[]): Promise<string[]> {
  const extras = ['--compare=mtime', '--compare=xattrs', '--compare=links'];
  const { stdout } = await run(['verify', ...subject, '--reference', reference, ...extras], world());
  const lines = stdout.split('\n').filter((line) => line !== '' && !line.startsWith('~ .: '));
  const notes = lines.filter((line) => line.includes(OWNER_NOTE));
  // All of one owner, and none where a file system has no such attributes.
  expect(new Set(notes.map((line) => line.split(OWNER_NOTE)[1])).size).toBeLessThanOrEqual(isRoot ? 0 : 1);
  return lines.filter((line) => !notes.includes(line));
}

describe.skipIf(toolsAbsent('umoci'))('what is fetched is what umoci unpacks', () => {
  it.each(Object.keys(IMAGES))('convert-dir: %s', async (name) => {
    const { layout, reference } = await fetchedAndUnpacked(name);
    const to = `dir of ${name.replace('/', ' ')}`;
    await ok(['convert-dir', '--image', layout, '--output', to, '-q'], world());
    expect(await differences(reference, '--dir', to)).toEqual([]);
  });

  it.skipIf(toolsAbsent('mksquashfs'))('convert-squashfs', async () => {
    const { layout, reference } = await fetchedAndUnpacked('team/two-layers');
    await ok(['convert-squashfs', '--image', layout, '--output', 'fetched.squashfs', '-q'], world());
    expect(await differences(reference, '--squashfs', 'fetched.squashfs')).toEqual([]);
  });

  it('pull --output-dir', async () => {
    const { reference } = await fetchedAndUnpacked('team/two-layers');
    await ok(['pull', '--image', nameOf('team/two-layers'), '--output-dir', 'pulled', PLATFORM, '-q'], world());
    expect(await differences(reference, '--dir', 'pulled')).toEqual([]);
  });
});

import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { blobPath, image, layoutFiles, sha256, tarLayer, type Layer } from '@cfskit/fixtures';
import { layer } from './layer-builder.ts';

export type Files = Readonly<Record<string, Uint8Array | string>>;

const LONG_NAME = `${'a'.repeat(95)}/file.txt`;
const owner = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };

/** Five layers, the oldest first: plain files, a replaced one, whiteouts, hard links, long names. Everything belongs to the current user. */
export function fiveLayers(): Layer[] {
  const dir = (path: string): { path: string; type: 'dir' } & typeof owner => ({ path: `${path}/`, type: 'dir', ...owner });
  const file = (path: string, content: string): { path: string; content: string } & typeof owner => ({ path, content, ...owner });
  const layers = [
    layer()
      .add(dir('data'))
      .add(file('data/hello.txt', 'hello\n'))
      .add(file('data/overwrite-me.txt', 'old\n'))
      .add(file('data/whiteout-me.txt', 'x'))
      .add(dir('opaque-dir'))
      .add(file('opaque-dir/old.txt', 'old')),
    layer().add(file('data/overwrite-me.txt', 'new\n')).add(file('data/layer1.txt', '1')),
    layer().whiteout('data', 'whiteout-me.txt').add(dir('opaque-dir')).opaque('opaque-dir').add(file('opaque-dir/new.txt', 'new')),
    layer()
      .add(dir('hardlinks'))
      .add(file('hardlinks/source.txt', 'source'))
      .hardlink('hardlinks/link.txt', 'hardlinks/source.txt')
      .hardlink('data/cross-link.txt', 'data/hello.txt'),
    layer()
      .add(dir('a'.repeat(95)))
      .add(file(LONG_NAME, 'long'))
      .add({ path: 'long-link', type: 'symlink', target: 'b'.repeat(101), ...owner }),
  ];
  return layers.map((one, i) => tarLayer(one.build(), i === 0 ? 'none' : 'gzip'));
}

/** The same image as an OCI layout, as `docker save` writes it, and as both at once. */
export function threeLayouts(
  layers: readonly Layer[] = fiveLayers(),
): Readonly<Record<'oci-layout' | 'docker-save' | 'docker-save-both', Files>> {
  const oci = layoutFiles([{ image: image({ layers }), tag: 'latest' }]);
  const save = dockerSave(layers);
  return { 'oci-layout': oci, 'docker-save': save, 'docker-save-both': { ...save, ...oci } };
}

/** The files of `docker save` without an index. */
export function dockerSave(layers: readonly Layer[], withSources = true): Files {
  const config = Buffer.from(
    JSON.stringify({ architecture: 'amd64', os: 'linux', rootfs: { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) } }),
  );
  const configPath = `blobs/sha256/${sha256(config).slice(7)}`;
  const sources = Object.fromEntries(
    layers.map((one) => [
      one.descriptor.digest,
      { mediaType: one.descriptor.mediaType, size: one.bytes.length, digest: one.descriptor.digest },
    ]),
  );
  const manifest = [
    {
      Config: configPath,
      RepoTags: ['test:latest'],
      Layers: layers.map(({ descriptor }) => blobPath(descriptor.digest)),
      ...(withSources && { LayerSources: sources }),
    },
  ];
  return {
    'manifest.json': JSON.stringify(manifest),
    [configPath]: config,
    ...Object.fromEntries(layers.map((one) => [blobPath(one.descriptor.digest), one.bytes])),
  };
}

export async function writeFiles(directory: string, files: Files): Promise<void> {
  await mkdir(directory, { recursive: true });
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(directory, path)), { recursive: true });
    await writeFile(join(directory, path), content);
  }
}

import { image, layoutFiles, tar, tarLayer, writeLayout } from '@cfskit/fixtures';
import { openOciDir } from '@cfskit/ocidir';
import { openRepository } from '@cfskit/repository';
import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { inspectImage, layerTar, listImages, ociFsck } from '../src/index.ts';
import { collect, names, objectFiles, pull, withWorkspace } from './workspace.ts';

const hasCfsctl = spawnSync('cfsctl', ['--version']).status === 0;

const noise = (size: number, seed: number): Uint8Array => Uint8Array.from({ length: size }, (_, i) => (i * i * seed + i) >> 2);
const layers = (['gzip', 'zstd', 'none'] as const).map((compression, i) =>
  tarLayer(
    tar([
      { path: 'usr', type: 'dir' },
      { path: `usr/large${i}`, content: noise(1_200_000, i + 3) },
      { path: 'usr/shared', content: noise(5000, 1) },
      { path: `usr/small${i}`, content: `layer ${i}`, mode: 0o4755, xattrs: { 'user.a': 'b' } },
      { path: `usr/link${i}`, type: 'hardlink', target: 'usr/shared' },
    ]),
    compression,
  ),
);

describe.runIf(hasCfsctl).each(['sha256', 'sha512'] as const)('%s: beside cfsctl', (algorithm) => {
  const entries = [{ image: image({ layers }), tag: 'latest', platform: { architecture: 'amd64', os: 'linux' } }];

  it('cfsctl lists, shows and checks what we pulled, and pulls the same itself', () =>
    withWorkspace(async ({ repository, directory }) => {
      const layout = join(directory, 'layout');
      await writeLayout(layout, layoutFiles(entries));
      await pull(repository, await openOciDir(layout), { name: 'demo', threads: 'always' });
      const cfsctl = (...args: readonly string[]): string =>
        execFileSync('cfsctl', ['--repo', repository.path, ...args], { encoding: 'utf8' });

      const [listed] = (JSON.parse(cfsctl('oci', 'images', '--json')) as { images: readonly Record<string, unknown>[] }).images;
      const own = (await listImages(repository)).at(0)!;
      expect(listed).toMatchObject({
        name: own.name,
        manifest_digest: own.manifestDigest,
        layer_count: 3,
        referrer_count: 0,
        is_container: true,
      });
      const inspected = JSON.parse(cfsctl('oci', 'inspect', 'demo')) as Record<string, unknown>;
      const { manifest, config } = await inspectImage(repository, 'demo');
      expect(inspected).toMatchObject({ manifest, config, referrers: [] });
      expect(JSON.parse(cfsctl('oci', 'fsck', '--json'))).toMatchObject({ ok: true, images_checked: 1 });

      const theirs = join(directory, 'theirs');
      execFileSync('cfsctl', ['init', '--insecure', '--algorithm', `fsverity-${algorithm}-12`, theirs]);
      execFileSync('cfsctl', ['--repo', theirs, 'oci', 'pull', `oci:${layout}:latest`, 'demo']);
      const other = await openRepository(theirs);
      for (const { diffId } of layers) expect(other.hasStream(`oci-layer-${diffId}`)).toBe(repository.hasStream(`oci-layer-${diffId}`));
      expect(await names(other)).toEqual(await names(repository));
      const objects = new Set((await objectFiles(other)).map((path) => path.slice(theirs.length)));
      expect((await objectFiles(repository)).filter((path) => !objects.has(path.slice(repository.path.length)))).toEqual([]);
      await other.close();
    }, algorithm));

  it('we list, read and check what cfsctl pulled, and have nothing to do with it', () =>
    withWorkspace(async ({ repository, directory }) => {
      const layout = join(directory, 'layout');
      await writeLayout(layout, layoutFiles(entries));
      execFileSync('cfsctl', ['--repo', repository.path, 'oci', 'pull', `oci:${layout}:latest`, 'demo']);
      const before = await objectFiles(repository);
      expect(await pull(repository, await openOciDir(layout), { name: 'demo' })).toMatchObject({
        bytesFetched: 0,
        stats: { layersAlreadyPresent: 3 },
      });
      expect(await objectFiles(repository)).toEqual(before);
      expect(await ociFsck(repository)).toMatchObject({ imagesChecked: 1, imagesCorrupted: 0, findings: [] });
      const [{ diffId }] = layers as [(typeof layers)[number]];
      const tarOfCfsctl = execFileSync('cfsctl', ['--repo', repository.path, 'oci', 'layer', diffId], { maxBuffer: 1e8 });
      expect(tarOfCfsctl.equals(await collect(layerTar(repository, diffId)))).toBe(true);
    }, algorithm));
});

// Stores that buildah made. What is read is compared with what buildah and skopeo give out of the same store.
import { toolsAbsent } from '@cfskit/fixtures';
import { loadImage, openVerified, type ImageSource } from '@cfskit/oci-spec';
import { execFileSync } from 'node:child_process';
import { linkSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openContainersStorage } from '../src/index.ts';
import { scratch } from './scratch.ts';

const BUILDAH = 'buildah';
const isRoot = process.getuid?.() === 0;
const next = scratch();

/** Wherever nothing can be mounted with overlay, buildah cannot make such a store. */
const DRIVERS = ['vfs', 'overlay'] as const;

async function tars(source: ImageSource): Promise<readonly string[]> {
  const { resolved, layers } = await loadImage(source);
  const found: string[] = [];
  for (const [index, descriptor] of (await source.storedLayers!(resolved)).entries()) {
    let size = 0;
    for await (const chunk of openVerified(source, descriptor)) size += chunk.byteLength;
    expect(descriptor.digest).toBe(layers.at(index)?.diffId);
    found.push(`${descriptor.digest} ${size}`);
  }
  return found;
}

describe.skipIf(toolsAbsent(BUILDAH, 'skopeo') || !isRoot).each(DRIVERS)('a store of buildah, %s', (driver) => {
  const root = next();
  const place = ['--root', root, '--runroot', `${root}-run`, '--storage-driver', driver];
  const buildah = (...args: readonly string[]): string => execFileSync(BUILDAH, [...place, ...args], { encoding: 'utf8' }).trim();
  const reference = (image: string): string => `[${driver}@${root}+${root}-run]${image}`;
  let imageId = '';

  beforeAll(() => {
    const files = next();
    mkdirSync(join(files, 'usr/bin'), { recursive: true });
    writeFileSync(join(files, 'usr/bin/large'), Buffer.alloc(2_000_000, 'large '));
    writeFileSync(join(files, 'usr/small'), 'small');
    writeFileSync(join(files, 'usr/secret'), 'secret', { mode: 0 });
    linkSync(join(files, 'usr/small'), join(files, 'usr/hard'));
    symlinkSync('small', join(files, 'usr/symbolic'));
    const base = buildah('from', 'scratch');
    buildah('copy', base, files, '/');
    buildah('commit', '-q', base, 'localhost/base:1');
    const container = buildah('from', 'localhost/base:1');
    const mounted = buildah('mount', container);
    rmSync(join(mounted, 'usr/small')); // makes a whiteout
    writeFileSync(join(mounted, 'usr/bin/large'), 'replaced');
    mkdirSync(join(mounted, 'etc'));
    writeFileSync(join(mounted, 'etc', 'long'.repeat(40)), 'a name that needs a record of its own');
    buildah('umount', container);
    imageId = buildah('commit', '-q', container, 'localhost/app:1');
  });
  afterAll(() => void buildah('rm', '--all'));

  it('is read byte for byte, with every layer as its diff_id says', async () => {
    const source = openContainersStorage(reference('localhost/app:1'));
    const layers = await tars(source);
    await source.close();
    expect(layers).toHaveLength(2);
    const copied = next();
    execFileSync('skopeo', ['copy', '-q', `containers-storage:${reference('localhost/app:1')}`, `dir:${copied}`]);
    const { layers: given } = JSON.parse(readFileSync(join(copied, 'manifest.json'), 'utf8')) as {
      layers: { digest: string; size: number }[];
    };
    expect(layers).toEqual(given.map(({ digest, size }) => `${digest} ${size}`));
  });

  it('has the manifest and config that skopeo has', async () => {
    const source = openContainersStorage(reference('localhost/app:1'));
    const { resolved, configRaw } = await loadImage(source);
    await source.close();
    const inspect = (...args: readonly string[]): Buffer =>
      execFileSync('skopeo', ['inspect', '--raw', ...args, `containers-storage:${reference('localhost/app:1')}`]);
    expect(Buffer.from(resolved.raw).equals(inspect())).toBe(true);
    expect(Buffer.from(configRaw).equals(inspect('--config'))).toBe(true);
  });

  it('has its images under names and ids', async () => {
    for (const image of ['app:1', `@${imageId}`, `sha256:${imageId}`, imageId, imageId.slice(0, 12)]) {
      const source = openContainersStorage(reference(image));
      expect((await loadImage(source)).manifest.config.digest).toBe(`sha256:${imageId}`);
      await source.close();
    }
  });

  it('can be written to again when it has been read', async () => {
    const source = openContainersStorage(reference('app:1'));
    await tars(source);
    buildah('tag', 'localhost/app:1', 'localhost/again:1');
    const again = openContainersStorage(reference('again:1'));
    expect(await tars(again)).toEqual(await tars(source));
    await Promise.all([source.close(), again.close()]);
  });
});

import { image, layoutFiles, tar, tarLayer, writeLayout } from '@cfskit/fixtures';
import type { Packaged, TarEntry } from '@cfskit/fixtures';
import { dumpLines } from '@cfskit/fs-tree';
import type { Algorithm } from '@cfskit/fs-verity';
import { readObjectIds } from '@cfskit/erofs';
import { openOciDir } from '@cfskit/ocidir';
import { openRepository } from '@cfskit/repository';
import type { ErofsFormat, Repository } from '@cfskit/repository';
import { array, assert, asyncProperty, constantFrom, integer, record } from 'fast-check';
import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { buildImageTree, collectGarbage, createImages, isOciFsckOk, ociFsck, openImage, sealImage } from '../src/index.ts';
import { container, pullImage } from './pull-image.ts';
import { objectFiles, pull, withWorkspace } from './workspace.ts';
import type { Workspace } from './workspace.ts';

// Not in Debian: it runs where somebody has built it.
const hasCfsctl = spawnSync('cfsctl', ['--version']).status === 0;

function cfsctl(repository: string, ...args: readonly string[]): string {
  return execFileSync('cfsctl', ['--repo', repository, ...args], { encoding: 'latin1', stdio: ['ignore', 'pipe', 'ignore'] });
}

async function layoutOf({ directory }: Workspace, packaged: Packaged): Promise<string> {
  const layout = join(directory, 'layout');
  await writeLayout(layout, layoutFiles([{ image: packaged, tag: 'latest', platform: { architecture: 'amd64', os: 'linux' } }]));
  return layout;
}

/** A repository of cfsctl with the image of a layout. */
function pullTheirs({ directory }: Workspace, layout: string, algorithm: Algorithm): string {
  const theirs = join(directory, 'theirs');
  execFileSync('cfsctl', ['init', '--insecure', '--algorithm', `fsverity-${algorithm}-12`, theirs]);
  cfsctl(theirs, 'oci', 'pull', `oci:${layout}:latest`, 'demo');
  return theirs;
}

/** The image that cfsctl finds linked. */
function theirId(repository: string): string {
  const inspected = JSON.parse(cfsctl(repository, 'oci', 'inspect', 'demo')) as { composefs_erofs: string };
  return inspected.composefs_erofs;
}

async function expectSame(ours: Repository, theirs: string): Promise<void> {
  const demo = await openImage(ours, 'demo');
  for (const xattrs of ['allowlist-only', 'keep-user-xattrs'] as const) {
    const dump = [...dumpLines(await buildImageTree(ours, demo, { xattrs }))].map((line) => `${line}\n`).join('');
    expect(dump).toBe(cfsctl(theirs, 'oci', 'dump', '--xattrs', xattrs, 'demo'));
    for (const format of [0, 1, 2] as const) {
      const { imageId } = await createImages(ours, 'demo', { formats: [format], xattrs });
      expect(`${imageId}\n`).toBe(cfsctl(theirs, '--erofs-version', String(format), 'oci', 'compute-id', '--xattrs', xattrs, 'demo'));
    }
  }
}

describe.runIf(hasCfsctl).each(['sha256', 'sha512'] as const)('%s: images beside cfsctl', (algorithm) => {
  const packaged = container();

  it('are the same, and so are config streams, in every format and xattr mode', () =>
    withWorkspace(async (workspace) => {
      const { repository } = workspace;
      const layout = await layoutOf(workspace, packaged);
      const theirs = pullTheirs(workspace, layout, algorithm);
      const result = await pullImage(repository, await openOciDir(layout), { name: 'demo' });
      expect(result.imageId).toBe(theirId(theirs));
      const other = await openRepository(theirs);
      expect(result.configVerity).toBe(other.hasStream(`oci-config-${result.configDigest}`));
      await other.close();
      await expectSame(repository, theirs);
    }, algorithm));

  it('of one layer have the same manifest streams, whoever linked them', () =>
    withWorkspace(async (workspace) => {
      const { repository } = workspace;
      const single = image({ layers: [tarLayer(tar([{ path: 'usr/', type: 'dir' }]))] });
      const layout = await layoutOf(workspace, single);
      const theirs = pullTheirs(workspace, layout, algorithm);
      const { manifestDigest, manifestVerity } = await pullImage(repository, await openOciDir(layout), { name: 'demo' });
      const other = await openRepository(theirs);
      expect(manifestVerity).toBe(other.hasStream(`oci-manifest-${manifestDigest}`));
      expect(await createImages(other, 'demo')).toMatchObject({ manifestVerity });
      await other.close();
      cfsctl(theirs, 'gc');
      expect(await objectFiles(repository)).toHaveLength((await objectFilesAt(theirs)).length);
    }, algorithm));

  it('pass its checks, and its collector loses nothing of them', () =>
    withWorkspace(async (workspace) => {
      const { repository } = workspace;
      const layout = await layoutOf(workspace, packaged);
      await pull(repository, await openOciDir(layout), { name: 'demo' });
      for (const formats of [[1], [2, 1], [1]] as ErofsFormat[][]) await createImages(repository, 'demo', { formats });
      await sealImage(repository, 'demo', { tag: 'annotated' });
      await sealImage(repository, 'demo', { mode: 'label', tag: 'labelled' });
      await sealImage(repository, 'demo', { mode: 'artifact' });
      const { path } = repository;
      await repository.close();
      const check = (): void => {
        expect(JSON.parse(cfsctl(path, 'oci', 'fsck', '--json'))).toMatchObject({ ok: true, images_checked: 3 });
        const id = theirId(path);
        for (const tag of ['demo', 'annotated', 'labelled']) expect(cfsctl(path, 'oci', 'compute-id', tag).trim()).toBe(id);
        expect(cfsctl(path, 'image-objects', id)).toContain(':');
      };
      check();
      cfsctl(path, 'gc');
      check();
      const again = await openRepository(path, { imageReader: readObjectIds });
      expect(await collectGarbage(again)).toMatchObject({ objectsRemoved: 0, streamsPruned: 0, imagesPruned: 0 });
      expect(isOciFsckOk(await ociFsck(again))).toBe(true);
      await again.close();
    }, algorithm));

  it('that cfsctl made are found, and our collector loses nothing of them', () =>
    withWorkspace(async (workspace) => {
      const layout = await layoutOf(workspace, packaged);
      const theirs = pullTheirs(workspace, layout, algorithm);
      const id = theirId(theirs);
      const other = await openRepository(theirs, { imageReader: readObjectIds });
      expect(await pullImage(other, await openOciDir(layout), { name: 'demo' })).toMatchObject({ imageId: id, bytesFetched: 0 });
      await collectGarbage(other);
      expect(isOciFsckOk(await ociFsck(other))).toBe(true);
      await other.close();
      expect(JSON.parse(cfsctl(theirs, 'oci', 'fsck', '--json'))).toMatchObject({ ok: true });
      expect(theirId(theirs)).toBe(id);
      expect(cfsctl(theirs, 'oci', 'compute-id', 'demo').trim()).toBe(id);
    }, algorithm));

  it('of random layers are the same', () => {
    const name = constantFrom('a', 'a', 'b', 'b', 'run', '.wh.a', '.wh.b', '.wh..wh..opq', 'é');
    const entry = record({
      names: array(name, { minLength: 1, maxLength: 3 }),
      type: constantFrom('dir', 'dir', 'dir', 'file', 'symlink', 'char', 'fifo', 'hardlink'),
      size: constantFrom(0, 64, 65, 5000),
      mtime: integer({ min: 0, max: 3 }),
      mode: integer({ min: 0, max: 0o7777 }),
    });
    return assert(
      asyncProperty(array(array(entry, { maxLength: 6 }), { minLength: 1, maxLength: 3 }), (stack) =>
        withWorkspace(async (workspace) => {
          const { repository } = workspace;
          const layers = [[], ...stack].map((entries, index) => tarLayer(tar([...(index === 0 ? GROUND : []), ...entries.map(tarEntry)])));
          const layout = await layoutOf(workspace, image({ layers }));
          const source = await openOciDir(layout);
          const ours = await attempt(async () => (await pullImage(repository, source, { name: 'demo' })).imageId);
          // oxlint-disable-next-line typescript/require-await -- the call waits
          expect(ours).toBe(await attempt(async () => theirId(pullTheirs(workspace, layout, algorithm))));
        }, algorithm),
      ),
      { numRuns: 8 },
    );
  });
});

/** Directories that most entries can be in, and something to link to. */
const GROUND: readonly TarEntry[] = [
  ...['usr/', 'a/', 'b/', 'usr/a/', 'usr/b/', 'a/a/', 'a/b/', 'b/a/', 'é/'].map((path): TarEntry => ({ path, type: 'dir' })),
  { path: 'usr/file', content: new Uint8Array(100) },
];

interface RandomEntry {
  readonly names: readonly string[];
  readonly type: string;
  readonly size: number;
  readonly mtime: number;
  readonly mode: number;
}

function tarEntry({ names, type, size, mtime, mode }: RandomEntry): TarEntry {
  const path = names.join('/');
  return {
    path: type === 'dir' ? `${path}/` : path,
    type: type as NonNullable<TarEntry['type']>,
    mode,
    mtime,
    ...(type === 'file' && { content: new Uint8Array(size).fill(mtime) }),
    ...((type === 'symlink' || type === 'hardlink') && { target: type === 'symlink' ? 'a/b' : 'usr/file' }),
    ...(type === 'char' && { device: [0, mtime] }),
  };
}

/** What an attempt gave, or that it failed. */
async function attempt(work: () => Promise<unknown>): Promise<unknown> {
  try {
    return await work();
  } catch {
    return 'failed';
  }
}

async function objectFilesAt(path: string): Promise<readonly string[]> {
  const repository = await openRepository(path);
  try {
    return await objectFiles(repository);
  } finally {
    await repository.close();
  }
}

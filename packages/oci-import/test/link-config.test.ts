import type { Packaged } from '@cfskit/fixtures';
import type { ObjectId } from '@cfskit/fs-verity';
import { openRepository } from '@cfskit/repository';
import type { Repository } from '@cfskit/repository';
import { readdirSync, readlinkSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { collectGarbage, createImages, openImage } from '../src/index.ts';
import { container, dumpOf, pullImage } from './pull-image.ts';
import { pull, withWorkspace } from './workspace.ts';
import type { Workspace } from './workspace.ts';

const one = container();
/** Another manifest with the same config. */
const two = container(undefined, { annotations: { 'org.example.note': 'another' } });

async function store({ repository, layout }: Workspace, image: Packaged, name: string): Promise<void> {
  await pull(repository, await layout([{ image }], name), { name });
}

/**
 * What is left of the live objects when a collector follows names as composefs-rs does: a stream that is referred to is opened only if some name
 * in `streams/` leads to it.
 */
async function reachableByNames(repository: Repository): Promise<ReadonlySet<ObjectId>> {
  const streams = join(repository.path, 'streams');
  const byName = new Map(
    readdirSync(streams)
      .filter((name) => name !== 'refs')
      .map((name) => [name, idOf(readlinkSync(join(streams, name)))] as const),
  );
  const named = new Set(byName.values());
  const live = new Set<ObjectId>();
  const waiting = repository.listRefs().map(({ target }) => byName.get(basename(target))!);
  for (let id = waiting.pop(); id !== undefined; id = waiting.pop()) {
    if (live.has(id)) continue;
    live.add(id);
    if (!named.has(id)) continue;
    const { objectRefs, namedRefs } = await repository.openStream({ id });
    for (const object of objectRefs) live.add(object);
    waiting.push(...namedRefs.values());
  }
  return live;
}

function idOf(target: string): ObjectId {
  return target.split('/').slice(-2).join('');
}

/** Everything a tagged image needs is reached: its documents, layers, the objects of its files. */
async function expectWhole(repository: Repository, tag: string): Promise<void> {
  const live = await reachableByNames(repository);
  const image = await openImage(repository, tag);
  const needed = [image.manifestVerity, image.configVerity, ...image.configRefs.values()];
  for (const id of [image.manifestVerity, image.configVerity, ...image.layers.map((layer) => layer.verity!)]) {
    needed.push(...(await repository.openStream({ id })).objectRefs);
  }
  expect(needed.filter((id) => !live.has(id))).toEqual([]);
  expect(await dumpOf(repository, tag)).toHaveLength(6);
}

describe('linking an image', () => {
  it('brings every manifest with this config up to date, with its references in the order of the layers', () =>
    withWorkspace(async (workspace) => {
      const { repository } = workspace;
      await store(workspace, one, 'one');
      await store(workspace, two, 'two');
      const created = await createImages(repository, 'one');
      for (const tag of ['one', 'two']) {
        const image = await openImage(repository, tag);
        expect(image.configVerity).toBe(created.configVerity);
        const { streamRefs } = await repository.openStream({ id: image.manifestVerity });
        expect(streamRefs).toEqual([created.configVerity, ...image.layers.map((layer) => layer.verity)]);
        await expectWhole(repository, tag);
      }
      expect(repository.streams().map(({ contentId }) => contentId.replace(/sha256:.*/, ''))).toEqual([
        'oci-config-',
        'oci-layer-',
        'oci-layer-',
        'oci-manifest-',
        'oci-manifest-',
      ]);
    }));

  it('by a pull of one of them does the same for the other', () =>
    withWorkspace(async (workspace) => {
      const { repository, layout } = workspace;
      await store(workspace, one, 'one');
      await store(workspace, two, 'two');
      const result = await pullImage(repository, await layout([{ image: two }]), { name: 'two' });
      for (const tag of ['one', 'two']) {
        expect(await openImage(repository, tag)).toMatchObject({ configVerity: result.configVerity });
        await expectWhole(repository, tag);
      }
      expect((await openImage(repository, 'two')).manifestVerity).toBe(result.manifestVerity);
    }));

  it('leaves a manifest that cannot be read as it is', () =>
    withWorkspace(async (workspace) => {
      const { repository } = workspace;
      await store(workspace, one, 'one');
      const broken = `oci-manifest-sha256:${'0'.repeat(64)}`;
      await repository.registerStream(broken, repository.objects.putSync(new Uint8Array(10)).id);
      const { manifestVerity } = await createImages(repository, 'one');
      expect((await openImage(repository, 'one')).manifestVerity).toBe(manifestVerity);
      await expectWhole(repository, 'one');
    }));

  it('at once through several handles all succeed', () =>
    withWorkspace(async (workspace) => {
      const { repository, directory } = workspace;
      await store(workspace, one, 'one');
      const handles = await Promise.all([1, 2, 3].map(() => openRepository(join(directory, 'repository'))));
      const results = await Promise.all(handles.map((handle) => createImages(handle, 'one')));
      expect(new Set(results.map(({ manifestVerity }) => manifestVerity)).size).toBe(1);
      for (const handle of handles) await handle.close();
      await expectWhole(repository, 'one');
      expect(repository.streams().filter(({ contentId }) => contentId.startsWith('.'))).toEqual([]);
    }));

  it('killed at any point leaves images that are whole for every collector', () =>
    withWorkspace(async (workspace) => {
      const { repository, directory } = workspace;
      await store(workspace, one, 'one');
      await store(workspace, two, 'two');
      let steps = 0;
      for (let last = false; !last; steps++) {
        const dying = await openRepository(join(directory, 'repository'));
        const register = dying.registerStream.bind(dying);
        let left = steps;
        dying.registerStream = async (...args) => {
          if (left-- === 0) throw new Error('killed');
          await register(...args);
        };
        last = await createImages(dying, 'one', { formats: steps % 2 === 0 ? [1] : [2] }).then(
          () => true,
          (error: unknown) => {
            expect(error).toMatchObject({ message: 'killed' });
            return false;
          },
        );
        await dying.close();
        for (const tag of ['one', 'two']) await expectWhole(repository, tag);
      }
      expect(steps).toBe(5); // the extra name, two manifests, the config; and once nothing dies
      await createImages(repository, 'one');
      expect(repository.streams().filter(({ contentId }) => contentId.startsWith('.'))).not.toEqual([]);
      await collectGarbage(repository);
      expect(repository.streams().filter(({ contentId }) => contentId.startsWith('.'))).toEqual([]);
      for (const tag of ['one', 'two']) await expectWhole(repository, tag);
      expect((await repository.fsck()).errors).toEqual([]);
    }));
});

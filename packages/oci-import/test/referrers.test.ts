import { artifact, image, tar, tarLayer, toBlob } from '@cfskit/fixtures';
import type { Packaged } from '@cfskit/fixtures';
import { mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  addReferrer,
  cleanupReferrers,
  collectGarbage,
  importImage,
  listImages,
  listReferrers,
  removeReferrer,
  removeReferrers,
  tagImage,
  untagImage,
} from '../src/index.ts';
import { names, objectFiles, pull, withWorkspace } from './workspace.ts';
import type { Workspace } from './workspace.ts';

const subject = image({ layers: [tarLayer(tar([{ path: 'a', content: new Uint8Array(100) }]))] });
const signature = (text: string, of?: Packaged): Packaged =>
  artifact({
    artifactType: 'application/vnd.signature',
    layers: [toBlob(new TextEncoder().encode(text), 'application/octet-stream')],
    ...(of && { subject: of.descriptor }),
  });
const [first, second] = [signature('first'), signature('second')];
const digests = [first, second].map((one) => one.descriptor.digest).toSorted();

async function pullAll({ repository, layout }: Workspace): Promise<void> {
  const source = await layout([
    { image: subject, tag: 'subject' },
    { image: first, tag: 'first' },
    { image: second, tag: 'second' },
  ]);
  for (const tag of ['subject', 'first', 'second']) await pull(repository, source, { tag, ...(tag === 'subject' && { name: tag }) });
}

describe('referrers', () => {
  it('are recorded, listed and counted', () =>
    withWorkspace(async (workspace) => {
      const { repository } = workspace;
      await pullAll(workspace);
      for (const { descriptor } of [first, second]) await addReferrer(repository, subject.descriptor.digest, descriptor.digest);
      expect(listReferrers(repository, subject.descriptor.digest)).toEqual(digests);
      expect(await listImages(repository)).toMatchObject([{ referrerCount: 2 }]);
      expect(await names(repository)).toContain(`refs/oci-referrers/${subject.descriptor.digest}/${first.descriptor.digest}`);
    }));

  it('are removed one by one or all at once, also twice', () =>
    withWorkspace(async (workspace) => {
      const { repository } = workspace;
      const { digest } = subject.descriptor;
      await pullAll(workspace);
      for (const { descriptor } of [first, second]) await addReferrer(repository, digest, descriptor.digest);
      expect(await removeReferrer(repository, digest, first.descriptor.digest)).toBe(true);
      expect(await removeReferrer(repository, digest, first.descriptor.digest)).toBe(false);
      expect(listReferrers(repository, digest)).toEqual([second.descriptor.digest]);
      expect(await removeReferrers(repository, digest)).toBe(1);
      expect(await removeReferrers(repository, digest)).toBe(0);
      expect(listReferrers(repository, digest)).toEqual([]);
    }));

  it('must be stored, and digests', () =>
    withWorkspace(async ({ repository }) => {
      const unknown = `sha256:${'0'.repeat(64)}`;
      await expect(addReferrer(repository, unknown, unknown)).rejects.toMatchObject({ code: 'NOT_FOUND' });
      await expect(addReferrer(repository, '../..', unknown)).rejects.toMatchObject({ code: 'INVALID_DIGEST' });
      expect(() => listReferrers(repository, 'x/y')).toThrow(expect.objectContaining({ code: 'INVALID_DIGEST' }));
    }));

  it('that lead elsewhere or nowhere are left out; a name that is no digest is an error', () =>
    withWorkspace(async (workspace) => {
      const { repository } = workspace;
      const { digest } = subject.descriptor;
      await pullAll(workspace);
      await addReferrer(repository, digest, first.descriptor.digest);
      const directory = join(repository.path, 'streams/refs/oci-referrers', digest);
      await symlink(`../../../oci-manifest-${first.descriptor.digest}`, join(directory, second.descriptor.digest));
      await symlink(`../../../oci-manifest-sha256:${'0'.repeat(64)}`, join(directory, `sha256:${'0'.repeat(64)}`));
      expect(listReferrers(repository, digest)).toEqual([first.descriptor.digest]);
      await symlink('x', join(directory, 'nonsense'));
      expect(() => listReferrers(repository, digest)).toThrow(expect.objectContaining({ code: 'INVALID_DIGEST' }));
    }));

  it('are recorded by themselves when the subject is there', () =>
    withWorkspace(async ({ repository, layout }) => {
      const belonging = signature('third', subject);
      const source = await layout([
        { image: belonging, tag: 'third' },
        { image: subject, tag: 'subject' },
      ]);
      await pull(repository, source, { tag: 'third' });
      expect(await names(repository)).not.toContainEqual(expect.stringContaining('referrers'));
      await pull(repository, source, { tag: 'subject' });
      await pull(repository, source, { tag: 'third' });
      expect(listReferrers(repository, subject.descriptor.digest)).toEqual([belonging.descriptor.digest]);
    }));
});

describe('collection', () => {
  it('by hand, as the reference has it: collect, clean up, collect', () =>
    withWorkspace(async (workspace) => {
      const { repository } = workspace;
      await pullAll(workspace);
      for (const { descriptor } of [first, second]) await addReferrer(repository, subject.descriptor.digest, descriptor.digest);
      expect(await cleanupReferrers(repository)).toBe(0);
      await untagImage(repository, 'subject');
      await repository.gc();
      expect(await cleanupReferrers(repository)).toBe(2);
      await repository.gc();
      expect(await objectFiles(repository)).toEqual([]);
      expect(await cleanupReferrers(repository)).toBe(0);
    }));

  it('lets artifacts go together with their subject, and what belongs to them', () =>
    withWorkspace(async (workspace) => {
      const { repository } = workspace;
      await pullAll(workspace);
      await addReferrer(repository, subject.descriptor.digest, first.descriptor.digest);
      await addReferrer(repository, first.descriptor.digest, second.descriptor.digest);
      expect(await collectGarbage(repository)).toMatchObject({ objectsRemoved: 0, referrersRemoved: 0 });
      await untagImage(repository, 'subject');
      expect(await collectGarbage(repository, { dryRun: true })).toMatchObject({ referrersRemoved: 2 });
      expect(listReferrers(repository, subject.descriptor.digest)).toHaveLength(1);
      expect(await collectGarbage(repository)).toMatchObject({ referrersRemoved: 2 });
      expect(await objectFiles(repository)).toEqual([]);
    }));

  it('removes the reference to an artifact that is gone', () =>
    withWorkspace(async (workspace) => {
      const { repository } = workspace;
      await pullAll(workspace);
      const directory = join(repository.path, 'streams/refs/oci-referrers/sha256:11');
      await mkdir(directory, { recursive: true });
      await symlink('../../../oci-manifest-sha256:22', join(directory, 'sha256:22'));
      expect(await collectGarbage(repository)).toMatchObject({ referrersRemoved: 1 });
      expect((await repository.fsck()).errors).toEqual([]);
    }));

  it('leaves every reference where it is when it fails', () =>
    withWorkspace(async (workspace) => {
      const { repository } = workspace;
      await pullAll(workspace);
      await addReferrer(repository, subject.descriptor.digest, first.descriptor.digest);
      await untagImage(repository, 'subject');
      await symlink('../gone', join(repository.path, 'streams/refs/dangling'));
      await expect(collectGarbage(repository)).rejects.toMatchObject({ code: 'DANGLING_REF' });
      expect(listReferrers(repository, subject.descriptor.digest)).toEqual([first.descriptor.digest]);
    }));

  it('keeps an artifact that has a tag of its own, and a subject that is asked for', () =>
    withWorkspace(async (workspace) => {
      const { repository } = workspace;
      await pullAll(workspace);
      for (const { descriptor } of [first, second]) await addReferrer(repository, subject.descriptor.digest, descriptor.digest);
      await tagImage(repository, first.descriptor.digest, 'own');
      await untagImage(repository, 'subject');
      const root = `oci-manifest-${subject.descriptor.digest}`;
      expect(await collectGarbage(repository, { roots: [root] })).toMatchObject({ objectsRemoved: 0, referrersRemoved: 0 });
      await collectGarbage(repository);
      expect(await names(repository)).toContain(`oci-manifest-${first.descriptor.digest}`);
      expect(await names(repository)).not.toContain(`oci-manifest-${second.descriptor.digest}`);
    }));

  it('keeps a layer that another image shares, and counts in a dry run what a real one removes', () =>
    withWorkspace(async ({ repository, layout }) => {
      const shared = tarLayer(tar([{ path: 'shared', content: new Uint8Array(100) }]));
      const own = tarLayer(tar([{ path: 'own', content: new Uint8Array(200) }]));
      const source = await layout([
        { image: image({ layers: [shared] }), tag: 'one' },
        { image: image({ layers: [shared, own] }), tag: 'two' },
      ]);
      for (const tag of ['one', 'two']) await pull(repository, source, { tag, name: tag });
      await untagImage(repository, 'two');
      const dry = await collectGarbage(repository, { dryRun: true });
      const real = await collectGarbage(repository);
      expect(real).toEqual(dry);
      expect(await names(repository)).toContain(`oci-layer-${shared.diffId}`);
      expect(await names(repository)).not.toContain(`oci-layer-${own.diffId}`);
      expect((await repository.fsck()).errors).toEqual([]);
    }));

  it('waits for a pull beside it', () =>
    withWorkspace(async ({ repository, layout }) => {
      const source = await layout([{ image: subject, platform: { architecture: 'amd64', os: 'linux' } }]);
      let collection: Promise<unknown> | undefined;
      const during = {
        describe: () => source.describe(),
        resolve: () => {
          collection = collectGarbage(repository);
          return source.resolve({ platform: { architecture: 'amd64', os: 'linux' } });
        },
        open: source.open.bind(source),
      };
      await importImage(repository, during, { name: 'demo', image: false });
      expect(await collection).toMatchObject({ objectsRemoved: 0 });
      expect((await repository.fsck()).errors).toEqual([]);
      expect(await listImages(repository)).toHaveLength(1);
    }));
});

describe('two pulls at once', () => {
  it('of one image through one handle and through another both succeed', () =>
    withWorkspace(async ({ repository, layout, directory }) => {
      const source = await layout([{ image: subject }]);
      const { openRepository } = await import('@cfskit/repository');
      const other = await openRepository(join(directory, 'repository'));
      const results = await Promise.all([repository, repository, other].map((handle, i) => pull(handle, source, { name: `tag${i}` })));
      expect(new Set(results.map((result) => result.manifestVerity)).size).toBe(1);
      expect((await repository.fsck()).errors).toEqual([]);
      await other.close();
    }));
});

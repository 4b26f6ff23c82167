import { artifact, image, tar, tarLayer } from '@cfskit/fixtures';
import { imageId, writeImage } from '@cfskit/erofs';
import { collectingReporter } from '@cfskit/progress';
import { initRepository } from '@cfskit/repository';
import type { Repository } from '@cfskit/repository';
import { chmod, rm, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { buildImageTree, collectGarbage, createImages, listTags, openImage } from '../src/index.ts';
import { container, dumpOf, pullImage, rewrite } from './pull-image.ts';
import { names, pull, withWorkspace } from './workspace.ts';

const packaged = container();
const without = image({ layers: [tarLayer(tar([{ path: 'etc/', type: 'dir' }]))] });
const DIFFERENT = 'f'.repeat(64);

/** The names under which the stored image refers to EROFS images. */
async function linked(repository: Repository, reference = 'demo'): Promise<Readonly<Record<string, string>>> {
  const { configRefs } = await openImage(repository, reference);
  return Object.fromEntries([...configRefs].filter(([name]) => name.startsWith('composefs.')));
}

describe('the EROFS image of a pull', () => {
  it('is that of the merged layers, under its id, and told in events', () =>
    withWorkspace(async ({ repository, layout }) => {
      const reporter = collectingReporter();
      const result = await pullImage(repository, await layout([{ image: packaged }]), { name: 'demo', reporter });
      expect(await dumpOf(repository, 'demo')).toEqual([
        '/ 0 40755 4 0 0 0 1000000000.500000000 - - -',
        '/etc 0 40755 2 0 0 0 0.0 - - -',
        '/etc/other 11 120777 1 0 0 0 0.0 ../usr/tool - -',
        '/usr 0 40755 2 0 0 0 1000000000.500000000 - - -',
        expect.stringMatching(/^\/usr\/link 200 104755 2 0 0 0 0\.0 \S+ - \S+ security\.capability=cap$/),
        '/usr/tool 0 @120000 - - - - 0.0 /usr/link - -',
      ]);
      const root = await buildImageTree(repository, await openImage(repository, 'demo'));
      expect(result.imageId).toBe(imageId(writeImage(root), 'sha256'));
      expect(repository.images()).toEqual([{ id: result.imageId, refs: [] }]);
      expect(await linked(repository)).toEqual({ 'composefs.image.v1': result.imageId });
      expect((await repository.fsck()).errors).toEqual([]);
      const events = reporter.events.filter((event) => 'id' in event && event.id === 'image');
      expect(events).toEqual([
        { type: 'started', id: 'image', total: 2, unit: 'items' },
        { type: 'progress', id: 'image', fetched: 1, total: 2 },
        { type: 'progress', id: 'image', fetched: 2, total: 2 },
        { type: 'done', id: 'image', transferred: 2 },
      ]);
      expect(reporter.events.find((event) => event.type === 'plan')).toMatchObject({ components: 4 });
    }));

  it('is kept by a tag, and collected without one', () =>
    withWorkspace(async ({ repository, layout }) => {
      const source = await layout([{ image: packaged }]);
      await pullImage(repository, source, { name: 'demo' });
      expect(await collectGarbage(repository)).toMatchObject({ objectsRemoved: 0, imagesPruned: 0 });
      await repository.removeRef('oci/demo');
      expect(await collectGarbage(repository)).toMatchObject({ imagesPruned: 1 });
    }));

  it('is not built where it was not asked for, and stays where it is linked', () =>
    withWorkspace(async ({ repository, layout }) => {
      const source = await layout([{ image: packaged }]);
      expect(await pull(repository, source, { name: 'demo' })).not.toHaveProperty('imageId');
      expect(await linked(repository)).toEqual({});
      const { imageId: id } = await pullImage(repository, source, { name: 'demo' });
      expect(await pull(repository, source, { name: 'demo' })).not.toHaveProperty('imageId');
      expect(await linked(repository)).toEqual({ 'composefs.image.v1': id });
    }));

  it('is found by the next pull, which writes nothing', () =>
    withWorkspace(async ({ repository, layout }) => {
      const source = await layout([{ image: packaged }]);
      const first = await pullImage(repository, source, { name: 'demo' });
      const reporter = collectingReporter();
      const again = await pullImage(repository, source, { name: 'demo', reporter });
      expect(again).toMatchObject({ imageId: first.imageId, manifestVerity: first.manifestVerity, configVerity: first.configVerity });
      expect(reporter.events).toContainEqual({ type: 'skipped', id: 'image' });
      expect(await collectGarbage(repository)).toMatchObject({ objectsRemoved: 0 });
    }));

  it.each([
    ['its name is gone', (repository: Repository, id: string) => unlink(join(repository.path, 'images', id))],
    ['its object is gone', (repository: Repository, id: string) => rm(repository.objects.pathOf(id))],
    [
      'its object is damaged',
      async (repository: Repository, id: string) => {
        await chmod(repository.objects.pathOf(id), 0o644);
        await writeFile(repository.objects.pathOf(id), 'damaged');
      },
    ],
  ])('is built again when %s', (_, damage) =>
    withWorkspace(async ({ repository, layout }) => {
      const source = await layout([{ image: packaged }]);
      const first = await pullImage(repository, source, { name: 'demo' });
      await damage(repository, first.imageId!);
      repository.objects.forget();
      expect(await pullImage(repository, source, { name: 'demo' })).toMatchObject({
        imageId: first.imageId,
        manifestVerity: first.manifestVerity,
      });
      expect((await repository.fsck()).errors).toEqual([]);
    }),
  );

  it('keeps more extended attributes when told, and that image stays until others are asked for', () =>
    withWorkspace(async ({ repository, layout }) => {
      const source = await layout([{ image: packaged }]);
      const keeping = await pullImage(repository, source, { name: 'demo', xattrs: 'keep-user-xattrs' });
      expect((await dumpOf(repository, 'demo', { xattrs: 'keep-user-xattrs' })).join('\n')).toContain('user.note=hello');
      expect(await pullImage(repository, source, { name: 'demo' })).toMatchObject({ imageId: keeping.imageId });
      const plain = await pullImage(repository, source, { name: 'demo', xattrs: 'allowlist-only' });
      expect(plain.imageId).not.toBe(keeping.imageId);
      expect(await linked(repository)).toEqual({ 'composefs.image.v1': plain.imageId });
    }));

  it('has the formats that are asked for; those of the repository come back when they are', () =>
    withWorkspace(async ({ repository, layout }) => {
      const source = await layout([{ image: packaged }]);
      const one = await pullImage(repository, source, { name: 'demo' });
      const two = await pullImage(repository, source, { name: 'demo', erofsFormats: [2] });
      expect(await linked(repository)).toEqual({ 'composefs.image': two.imageId });
      const zero = await pullImage(repository, source, { name: 'demo', erofsFormats: [0] });
      expect(await linked(repository)).toEqual({ 'composefs.image.v1': zero.imageId });
      expect(await pullImage(repository, source, { name: 'demo' })).toMatchObject({
        imageId: one.imageId,
        manifestVerity: one.manifestVerity,
      });
      const both = await pullImage(repository, source, { name: 'demo', erofsFormats: [0, 1, 2] });
      expect(both.imageId).toBe(zero.imageId);
      expect(await linked(repository)).toEqual({ 'composefs.image': two.imageId, 'composefs.image.v1': zero.imageId });
      expect(new Set([one.imageId, two.imageId, zero.imageId]).size).toBe(3);
    }));

  it('keeps images for booting, sorted by name', () =>
    withWorkspace(async ({ repository, layout }) => {
      const source = await layout([{ image: packaged }]);
      const { imageId: id, configDigest, manifestDigest } = await pullImage(repository, source, { name: 'demo' });
      const demo = await openImage(repository, 'demo');
      const boot = ['composefs.image.boot.v1', 'composefs.image.boot', 'composefs.image.boot.v1.xattrs=keep-user-xattrs'] as const;
      const bootRefs = boot.map((name) => [name, repository.objects.putSync(new TextEncoder().encode(name)).id] as const);
      const config = await rewrite(repository, 'config', configDigest, [...demo.configRefs, ...bootRefs]);
      await rewrite(repository, 'manifest', manifestDigest, [
        [`config:${configDigest}`, config],
        ...demo.layers.map((layer) => [layer.id, layer.verity!] as const),
      ]);
      const { configVerity } = await createImages(repository, 'demo', { formats: [2, 1] });
      const { streamRefs, namedRefs } = await repository.openStream({ id: configVerity });
      const order = ['composefs.image', 'composefs.image.v1', boot[1], boot[0], boot[2]].map((name) => namedRefs.get(name));
      expect(streamRefs).toEqual([...demo.layers.map((layer) => layer.verity), ...order]);
      expect(namedRefs.get('composefs.image.v1')).toBe(id);
    }));

  it('is none of an artifact, nor can one be made', () =>
    withWorkspace(async ({ repository, layout }) => {
      const note = artifact({ artifactType: 'application/x-note' });
      const source = await layout([{ image: note, tag: 'note' }]);
      expect(await pullImage(repository, source, { tag: 'note', name: 'note' })).not.toHaveProperty('imageId');
      await expect(createImages(repository, 'note')).rejects.toMatchObject({ code: 'NOT_A_CONTAINER' });
    }));
});

describe('what cannot become an image', () => {
  it('leaves its layers, and no name else; without an image it can be stored', () =>
    withWorkspace(async ({ repository, layout }) => {
      const source = await layout([{ image: without }]);
      const failure = await pullImage(repository, source, { name: 'demo' }).catch((error: unknown) => error);
      expect(failure).toMatchObject({
        code: 'IMAGE_FAILED',
        message: expect.stringContaining(without.descriptor.digest),
        context: { manifest: without.descriptor.digest },
        cause: { code: 'IMAGE_FAILED', cause: { code: 'NOT_FOUND', path: '/usr' } },
      });
      expect(await names(repository)).toEqual([expect.stringMatching(/^oci-layer-/)]);
      await pull(repository, source, { name: 'demo' });
      await expect(createImages(repository, 'demo')).rejects.toMatchObject({ code: 'IMAGE_FAILED' });
    }));

  it('is named with its layer and entry', () =>
    withWorkspace(async ({ repository, layout }) => {
      const top = tarLayer(tar([{ path: 'nowhere/file' }]));
      const broken = image({ layers: [tarLayer(tar([{ path: 'usr/', type: 'dir' }])), top] });
      await expect(pullImage(repository, await layout([{ image: broken }]), { name: 'demo' })).rejects.toMatchObject({
        cause: {
          message: `Failed to apply layer 2 of 2, diff_id ${top.diffId}`,
          context: { blob: top.diffId },
          cause: { code: 'NOT_FOUND' },
        },
      });
      expect(listTags(repository)).toEqual([]);
    }));

  it('is an image with another id than expected; nothing gets a name', () =>
    withWorkspace(async ({ repository, layout }) => {
      const source = await layout([{ image: packaged }]);
      await expect(pullImage(repository, source, { name: 'demo', expectImage: DIFFERENT })).rejects.toMatchObject({
        code: 'UNEXPECTED_IMAGE',
        context: { expected: DIFFERENT, actual: expect.stringMatching(/^[0-9a-f]{64}$/) },
      });
      expect(repository.images()).toEqual([]);
      const { imageId: id } = await pullImage(repository, source, { name: 'demo', expectImage: await expected(packaged) });
      await expect(pullImage(repository, source, { name: 'demo', expectImage: DIFFERENT })).rejects.toMatchObject({
        code: 'UNEXPECTED_IMAGE',
      });
      expect(await linked(repository)).toEqual({ 'composefs.image.v1': id });
    }));

  it('is an image whose pull was aborted while it was built', () =>
    withWorkspace(async ({ repository, layout }) => {
      const abort = new AbortController();
      const reporter = {
        report: (event: { type: string; id?: string }) => void (event.id === 'image' && abort.abort(new Error('enough'))),
      };
      const pulling = pullImage(repository, await layout([{ image: packaged }]), { name: 'demo', signal: abort.signal, reporter });
      await expect(pulling).rejects.toThrow('enough');
      expect(listTags(repository)).toEqual([]);
      expect((await repository.fsck()).errors).toEqual([]);
    }));
});

/** The id that an image gets in a repository of its own. */
function expected(of: typeof packaged): Promise<string> {
  return withWorkspace(async ({ repository, layout }) => (await pullImage(repository, await layout([{ image: of }]))).imageId!);
}

describe('createImages', () => {
  it('names the first image, and builds again', () =>
    withWorkspace(async ({ repository, layout, directory }) => {
      await pull(repository, await layout([{ image: packaged }]), { name: 'demo' });
      const created = await createImages(repository, 'demo', { name: 'some/image', formats: [2, 1] });
      expect(created).toMatchObject({
        manifestDigest: packaged.descriptor.digest,
        images: [{ format: 2, id: created.imageId }, { format: 1 }],
      });
      expect(repository.openImage('refs/some/image').id).toBe(created.imageId);
      expect(await createImages(repository, 'demo', { formats: [2, 1] })).toEqual(created);
      expect(await collectGarbage(repository)).toMatchObject({ objectsRemoved: 2 });
      const other = await initRepository(join(directory, 'two'), {
        algorithm: 'sha256',
        insecure: true,
        erofsFormats: { default: 2, extra: [1] },
      });
      const fresh = await pullImage(other, await layout([{ image: packaged }]), { name: 'demo' });
      expect(fresh).toMatchObject({ imageId: created.imageId, manifestVerity: created.manifestVerity, configVerity: created.configVerity });
      await other.close();
    }));

  it('refuses what it cannot name or make before anything is stored', () =>
    withWorkspace(async ({ repository, layout }) => {
      await pull(repository, await layout([{ image: packaged }]), { name: 'demo' });
      await expect(createImages(repository, 'nothing')).rejects.toMatchObject({ code: 'NOT_FOUND' });
      await expect(createImages(repository, 'demo', { formats: [] })).rejects.toThrow(RangeError);
      await expect(createImages(repository, 'demo', { name: '../out' })).rejects.toMatchObject({ code: 'INVALID_NAME' });
      expect(repository.images()).toEqual([]);
    }));
});

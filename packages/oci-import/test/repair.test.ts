import { artifact, image, imageConfig, tar, tarLayer, toBlob } from '@cfskit/fixtures';
import { collectingReporter } from '@cfskit/progress';
import type { Repository } from '@cfskit/repository';
import { CONTENT_TYPE } from '@cfskit/splitstream';
import { readFile, rm, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openImage, openLayer } from '../src/index.ts';
import { collect, pull, withWorkspace } from './workspace.ts';

const one = tarLayer(tar([{ path: 'one', content: new Uint8Array(100).fill(1) }]));
const two = tarLayer(tar([{ path: 'two', content: new Uint8Array(100).fill(2) }]));
const both = image({ layers: [one, two] });
const name = (diffId: string): string => `oci-layer-${diffId}`;

const removeName = (repository: Repository, contentId: string): Promise<void> => unlink(join(repository.path, 'streams', contentId));
const removeObject = (repository: Repository, id: string): Promise<void> =>
  rm(repository.objects.pathOf(id)).then(() => repository.objects.forget());

/** A stream of that content id with other references, as another program might have left it. */
async function writeStream(
  repository: Repository,
  contentId: string,
  type: bigint,
  raw: Uint8Array,
  refs: Record<string, string>,
): Promise<string> {
  const writer = repository.createStreamWriter(type);
  for (const [ref, id] of Object.entries(refs)) writer.namedRef(ref, id);
  const { id, size } = repository.objects.putSync(raw);
  writer.external(id, size);
  return (await repository.writeStream(writer, contentId)).id;
}

describe('an image that is there, but not whole', () => {
  it('a layer that lost its name gets it back without being read', () =>
    withWorkspace(async ({ repository, layout }) => {
      const source = await layout([{ image: both }]);
      await pull(repository, source);
      const id = repository.hasStream(name(one.diffId));
      await removeName(repository, name(one.diffId));
      const reporter = collectingReporter();
      const again = await pull(repository, source, { reporter });
      expect(again.bytesFetched).toBe(0);
      expect(reporter.events).toContainEqual({ type: 'skipped', id: one.diffId });
      expect(repository.hasStream(name(one.diffId))).toBe(id);
    }));

  it('a layer that is gone is imported again', () =>
    withWorkspace(async ({ repository, layout }) => {
      const source = await layout([{ image: both }]);
      const first = await pull(repository, source);
      const id = repository.hasStream(name(one.diffId))!;
      await removeObject(repository, id);
      const again = await pull(repository, source);
      expect(again).toMatchObject({
        bytesFetched: one.descriptor.size,
        manifestVerity: first.manifestVerity,
        stats: { layersAlreadyPresent: 1 },
      });
      expect(repository.hasStream(name(one.diffId))).toBe(id);
      expect((await repository.fsck()).errors).toEqual([]);
    }));

  it('a layer whose stream is another one now: config, manifest and all that share the config follow', () =>
    withWorkspace(async ({ repository, layout }) => {
      const source = await layout([{ image: both }]);
      const first = await pull(repository, source, { name: 'demo' });
      const config = await openImage(repository, 'demo');
      const lost = 'ab'.repeat(32);
      const image3 = '00'.repeat(32);
      const refs = {
        [one.diffId]: lost,
        [two.diffId]: repository.hasStream(name(two.diffId))!,
        'composefs.image.v1': image3,
        'composefs.image': image3,
      };
      const configId = `oci-config-${first.configDigest}`;
      const old = await writeStream(repository, configId, CONTENT_TYPE.config, config.configRaw, refs);
      const sibling = `{"schemaVersion":2,"config":${JSON.stringify(config.manifest.config)},"layers":[]}`;
      const siblingRaw = new TextEncoder().encode(sibling);
      const siblingName = `oci-manifest-${toBlob(siblingRaw, '').descriptor.digest}`;
      await writeStream(repository, siblingName, CONTENT_TYPE.manifest, siblingRaw, { [`config:${first.configDigest}`]: old });

      const again = await pull(repository, source, { name: 'demo' });
      expect(again.configVerity).not.toBe(old);
      const stored = await repository.openStream(configId);
      expect(stored.namedRefs.get(one.diffId)).toBe(repository.hasStream(name(one.diffId)));
      expect(stored.streamRefs.slice(2)).toEqual([image3]);
      expect(stored.namedRefs.get('composefs.image.v1')).toBe(image3);
      expect((await repository.openStream(siblingName)).namedRefs.get(`config:${first.configDigest}`)).toBe(again.configVerity);
      expect((await openImage(repository, 'demo')).configVerity).toBe(again.configVerity);
      const stale = (await repository.fsck()).errors.filter((finding) => 'objectId' in finding && finding.objectId !== image3);
      expect(stale).toEqual([]);
    }));

  it('a config that does not name a layer is an error that lists what it names', () =>
    withWorkspace(async ({ repository, layout }) => {
      const source = await layout([{ image: both }]);
      const first = await pull(repository, source);
      const refs = { [two.diffId]: repository.hasStream(name(two.diffId))! };
      await writeStream(repository, `oci-config-${first.configDigest}`, CONTENT_TYPE.config, both.blobs.at(1)!.bytes, refs);
      const error = await pull(repository, source).catch((caught: unknown) => caught as Error);
      expect(error).toMatchObject({ code: 'MISSING_LAYER_REF', context: { blob: one.diffId, candidates: [two.diffId] } });
      expect((error as Error).message).toContain(
        `missing layer verity for diff_id ${one.diffId}. Available keys in refs: ["${two.diffId}"]`,
      );
    }));

  it('a stored config that was tampered with is an error that names it', () =>
    withWorkspace(async ({ repository, layout }) => {
      const source = await layout([{ image: both }]);
      const first = await pull(repository, source);
      await writeStream(repository, `oci-config-${first.configDigest}`, CONTENT_TYPE.config, new TextEncoder().encode('{}'), {});
      const error = await pull(repository, source).catch((caught: unknown) => caught as Error);
      expect(error).toMatchObject({ code: 'CONFIG_FAILED', cause: { code: 'INTEGRITY', context: { expected: first.configDigest } } });
    }));

  it('counts are compared when the config is there, too', () =>
    withWorkspace(async ({ repository, layout }) => {
      await pull(repository, await layout([{ image: both }]));
      const config = imageConfig({ diffIds: [one.diffId, two.diffId] });
      const shorter = await layout([{ image: image({ layers: [one], config }) }], 'shorter');
      await expect(pull(repository, shorter)).rejects.toMatchObject({ code: 'LAYER_COUNT' });
    }));

  it('what has the name of a layer and is none is not used', () =>
    withWorkspace(async ({ repository, layout }) => {
      await writeStream(repository, name(one.diffId), CONTENT_TYPE.blob, new Uint8Array(3), {});
      const error = await pull(repository, await layout([{ image: both }])).catch((caught: unknown) => caught as Error);
      expect(error).toMatchObject({ code: 'LAYER_FAILED', cause: { code: 'INVALID_STREAM' } });
    }));
});

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** An artifact with the empty config and this text as its layer. */
const make = (text: string): ReturnType<typeof artifact> =>
  artifact({ artifactType: 'application/x', layers: [toBlob(bytes(text), 'application/octet-stream')] });

describe('artifacts that share the empty config', () => {
  it('are all imported; the config stays that of the first', () =>
    withWorkspace(async ({ repository, layout }) => {
      const entries = ['first', 'second'].map((tag) => ({ image: make(tag), tag }));
      const source = await layout(entries);
      const first = await pull(repository, source, { tag: 'first', name: 'first' });
      const second = await pull(repository, source, { tag: 'second', name: 'second' });
      expect(second).toMatchObject({ isContainer: false, configVerity: first.configVerity, configDigest: first.configDigest });
      for (const tag of ['first', 'second']) {
        const stored = await openImage(repository, tag);
        expect(await collect(openLayer(repository, stored, 0))).toEqual(bytes(tag));
      }
      const again = await pull(repository, source, { tag: 'second' });
      expect(again).toMatchObject({ manifestVerity: second.manifestVerity, bytesFetched: 0 });
    }));

  it('get a layer back whose name is gone', () =>
    withWorkspace(async ({ repository, layout }) => {
      const packaged = make('content');
      const source = await layout([{ image: packaged, tag: 'a' }]);
      await pull(repository, source, { tag: 'a' });
      await removeName(repository, name(packaged.blobs.at(2)!.descriptor.digest));
      expect(await pull(repository, source, { tag: 'a' })).toMatchObject({ bytesFetched: 0 });
      expect(repository.hasStream(name(packaged.blobs.at(2)!.descriptor.digest))).toBeDefined();
      expect(await readFile(join(repository.path, 'meta.json'), 'utf8')).toContain('sha256');
    }));
});

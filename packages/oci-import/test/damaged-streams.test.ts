import { image, tar, tarLayer, toBlob } from '@cfskit/fixtures';
import type { Repository } from '@cfskit/repository';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { collectGarbage, importLayer, layerTar, openImage } from '../src/index.ts';
import { collect, names, pull, withWorkspace } from './workspace.ts';

const one = tarLayer(tar([{ path: 'one', content: new Uint8Array(100).fill(1) }]));
const two = tarLayer(tar([{ path: 'two', content: new Uint8Array(100).fill(2) }]));
const both = image({ layers: [one, two] });
const layerName = `oci-layer-${one.diffId}`;

async function rewrite(repository: Repository, id: string, change: (bytes: Buffer) => Uint8Array): Promise<void> {
  const path = repository.objects.pathOf(id);
  const changed = change(await readFile(path));
  await rm(path);
  await writeFile(path, changed);
}

const DAMAGES: readonly (readonly [string, (repository: Repository, id: string) => Promise<void>])[] = [
  ['has other bytes', (repository, id) => rewrite(repository, id, (bytes) => bytes.fill(0xff, 0, 8))],
  ['is cut off', (repository, id) => rewrite(repository, id, (bytes) => bytes.subarray(0, 40))],
  ['is empty', (repository, id) => rewrite(repository, id, () => new Uint8Array(0))],
];

/** Each stream of an image, and the object with its JSON. */
const PARTS = ['layer', 'config', 'manifest'] as const;

async function idOf(repository: Repository, part: (typeof PARTS)[number]): Promise<string> {
  const stored = await openImage(repository, 'demo');
  const ids = { layer: repository.hasStream(layerName)!, config: stored.configVerity, manifest: stored.manifestVerity };
  return ids[part];
}

describe('a pull of an image that is there', () => {
  it.each(PARTS.flatMap((part) => DAMAGES.map(([how, damage]) => [part, how, damage] as const)))(
    'mends its %s stream when that %s',
    (part, _, damage) =>
      withWorkspace(async ({ repository, layout }) => {
        const source = await layout([{ image: both }]);
        const first = await pull(repository, source, { name: 'demo' });
        const before = await names(repository);
        const id = await idOf(repository, part);
        await damage(repository, id);
        const warnings: string[] = [];
        const again = await pull(repository, source, { name: 'demo', onWarning: (text) => warnings.push(text) });
        expect(again).toMatchObject({ manifestVerity: first.manifestVerity, configVerity: first.configVerity });
        expect(again.stats.layersAlreadyPresent).toBe(part === 'layer' ? 1 : 2);
        expect(warnings).toEqual([
          expect.stringContaining(part === 'layer' ? `objects/${id.slice(0, 2)}/${id.slice(2)}` : `stored ${part} `),
        ]);
        expect(await names(repository)).toEqual(before);
        expect((await repository.fsck()).errors).toEqual([]);
        expect(await pull(repository, source, { name: 'demo' })).toMatchObject({ bytesFetched: 0, stats: { layersAlreadyPresent: 2 } });
      }),
  );

  it.each(['config', 'manifest'] as const)('stores the JSON of its %s again when it is damaged or gone', (part) =>
    withWorkspace(async ({ repository, layout }) => {
      const source = await layout([{ image: both }]);
      const first = await pull(repository, source, { name: 'demo' });
      const { objectRefs } = await repository.openStream({ id: await idOf(repository, part) });
      for (const damage of [
        (): Promise<void> => rewrite(repository, objectRefs.at(0)!, (bytes) => bytes.fill(0x20, 0, 1)),
        (): Promise<void> => rm(repository.objects.pathOf(objectRefs.at(0)!)),
      ]) {
        await damage();
        const again = await pull(repository, source, { name: 'demo' });
        expect(again).toMatchObject({ manifestVerity: first.manifestVerity, configVerity: first.configVerity });
        expect((await repository.fsck()).errors).toEqual([]);
      }
    }),
  );

  it('imports a layer again that lacks a file', () =>
    withWorkspace(async ({ repository, layout }) => {
      const source = await layout([{ image: both }]);
      const first = await pull(repository, source, { name: 'demo' });
      const file = (await repository.openStream(layerName)).objectRefs.at(0)!;
      await rm(repository.objects.pathOf(file));
      const warnings: string[] = [];
      const again = await pull(repository, source, { name: 'demo', onWarning: (text) => warnings.push(text) });
      expect(again).toMatchObject({ manifestVerity: first.manifestVerity, bytesFetched: one.descriptor.size });
      expect(warnings).toEqual([expect.stringContaining(`objects/${file.slice(0, 2)}/${file.slice(2)}, to which`)]);
      expect(Buffer.from(await collect(layerTar(repository, one.diffId)))).toEqual(
        Buffer.from(tar([{ path: 'one', content: new Uint8Array(100).fill(1) }])),
      );
      expect((await repository.fsck()).errors).toEqual([]);
    }));

  it('brings the manifests along that share a config whose stream is damaged', () =>
    withWorkspace(async ({ repository, layout }) => {
      const sibling = image({ layers: [one, two], extra: { annotations: { which: 'sibling' } } });
      await pull(repository, await layout([{ image: sibling }], 'sibling'), { name: 'sibling' });
      const source = await layout([{ image: both }]);
      const first = await pull(repository, source, { name: 'demo' });
      await rewrite(repository, first.configVerity, (bytes) => bytes.fill(0xff, 0, 8));
      await pull(repository, source, { name: 'demo' });
      const images = await Promise.all(['demo', 'sibling'].map((name) => openImage(repository, name)));
      expect(new Set(images.map((stored) => stored.manifestDigest)).size).toBe(2);
      expect(new Set(images.map((stored) => stored.configVerity)).size).toBe(1);
      expect((await repository.fsck()).errors).toEqual([]);
    }));
});

describe('a collection', () => {
  it.each(PARTS.flatMap((part) => DAMAGES.map(([how, damage]) => [part, how, damage] as const)))(
    'names the %s stream that %s, says what to do, and removes nothing',
    (part, _, damage) =>
      withWorkspace(async ({ repository, layout }) => {
        const source = await layout([{ image: both }]);
        await pull(repository, source, { name: 'demo' });
        const before = await names(repository);
        const id = await idOf(repository, part);
        await damage(repository, id);
        const error = await collectGarbage(repository).catch((caught: unknown) => caught as Error);
        expect(error).toMatchObject({ code: 'CORRUPT_OBJECT', path: `objects/${id.slice(0, 2)}/${id.slice(2)}` });
        expect((error as Error).message).toMatch(
          new RegExp(`^objects/${id.slice(0, 2)}/${id.slice(2)}, streams/oci-${part}-sha256:.*pull its image again`),
        );
        expect(await names(repository)).toEqual(before);
        await pull(repository, source, { name: 'demo' });
        expect(await collectGarbage(repository)).toMatchObject({ objectsRemoved: 0, streamsPruned: 0 });
      }),
  );

  it('names a stream that is gone', () =>
    withWorkspace(async ({ repository, layout }) => {
      await pull(repository, await layout([{ image: both }]), { name: 'demo' });
      const id = repository.hasStream(layerName)!;
      await rm(repository.objects.pathOf(id));
      const path = `objects/${id.slice(0, 2)}/${id.slice(2)}`;
      await expect(collectGarbage(repository)).rejects.toMatchObject({
        path,
        message: expect.stringMatching(`^${path} is in use`) as unknown,
      });
    }));
});

it('an import of a single layer looks for its files, too', () =>
  withWorkspace(async ({ repository }) => {
    const source = async function* (): AsyncGenerator<Uint8Array> {
      yield one.bytes;
    };
    const { verity } = await importLayer(repository, one.diffId, source());
    expect((await importLayer(repository, one.diffId, source())).stats.layersAlreadyPresent).toBe(1);
    await rm(repository.objects.pathOf((await repository.openStream(layerName)).objectRefs.at(0)!));
    const again = await importLayer(repository, one.diffId, source());
    expect(again).toMatchObject({ verity, stats: { layersAlreadyPresent: 0, objectsCopied: 1 } });
  }));

it('what was tampered with is named, with what to do', () =>
  withWorkspace(async ({ repository, layout }) => {
    const source = await layout([{ image: both }]);
    const { configDigest } = await pull(repository, source, { name: 'demo' });
    const writer = repository.createStreamWriter((await repository.openStream(`oci-config-${configDigest}`)).contentType);
    const { id, size } = repository.objects.putSync(toBlob(new TextEncoder().encode('{}'), '').bytes);
    writer.external(id, size);
    await repository.writeStream(writer, `oci-config-${configDigest}`);
    const failure = expect.stringContaining(
      `objects/${id.slice(0, 2)}/${id.slice(2)}; remove streams/oci-config-${configDigest}`,
    ) as unknown;
    await expect(pull(repository, source)).rejects.toMatchObject({ code: 'CONFIG_FAILED', cause: { code: 'INTEGRITY', message: failure } });
  }));

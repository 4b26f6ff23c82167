import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { convertLayers, StreamingPacker, type ArrivedLayer, type LayerProgress } from '../src/index.ts';
import { layerFiles, pick } from './support/files.ts';
import { codesOf, entriesInFile, failureOf, PLAIN_TAR, withPath } from './support/images.ts';
import { layer } from './support/layer-builder.ts';
import { needs } from './support/programs.ts';

const META = { mediaType: PLAIN_TAR };
const THREE = [META, META, META];
const PERMUTATIONS = [
  [0, 1, 2],
  [0, 2, 1],
  [1, 0, 2],
  [1, 2, 0],
  [2, 0, 1],
  [2, 1, 0],
];

async function* arriving(files: readonly ArrivedLayer[], order: readonly number[], error?: Error): AsyncGenerator<ArrivedLayer, void> {
  for (const index of order) {
    await new Promise((resolve) => setImmediate(resolve));
    yield pick(files, index);
  }
  if (error !== undefined) throw error;
}

async function contentsOf(path: string): Promise<Record<string, string>> {
  return Object.fromEntries([...(await entriesInFile(path))].map(([name, { content }]) => [name, content]));
}

async function isMissing(path: string): Promise<boolean> {
  return stat(path).then(
    () => false,
    () => true,
  );
}

describe('layers that arrive', () => {
  it.each(PERMUTATIONS)('in the order %i %i %i', async (...order) => {
    await withPath(async (to, directory) => {
      await convertLayers(arriving(await layerFiles(directory), order), 3, { kind: 'tar', to });
      expect(await contentsOf(to)).toEqual({ 'base.txt': 'new' });
    });
  });

  it('give the same bytes in any order', async () => {
    await withPath(async (to, directory) => {
      const files = await layerFiles(directory);
      const digests: unknown[] = [];
      for (const order of PERMUTATIONS) digests.push((await convertLayers(arriving(files, order), 3, { kind: 'tar', to })).digest);
      expect(new Set(digests).size).toBe(1);
    });
  });

  it('may link to older ones that come later', async () => {
    await withPath(async (to, directory) => {
      const files = await layerFiles(directory, [layer().file('f', 'x'), layer().hardlink('l', 'f'), layer().whiteout('', 'f')]);
      await convertLayers(arriving(files, [2, 1, 0]), 3, { kind: 'tar', to });
      expect((await entriesInFile(to)).get('l')).toMatchObject({ type: 'file', content: 'x' });
    });
  });
});

describe('layers that do not arrive', () => {
  it.each([
    ['at all', []],
    ['after a good one', [2]],
  ])('%s: the download error is told, and no file is left', async (_, order) => {
    await withPath(async (to, directory) => {
      const source = arriving(await layerFiles(directory), order, new Error('connection reset'));
      const error = await failureOf(convertLayers(source, 3, { kind: 'tar', to }));
      expect(error.message).toBe('download error received on streaming channel');
      expect(codesOf(error)).toEqual(['DOWNLOAD_FAILED', 'connection reset']);
      expect((await readdir(directory)).filter((name) => name.startsWith('out'))).toEqual([]);
    });
  });

  it.each([[[]], [[1]]])('%j of three: told with both counts, and no file is left', async (order) => {
    await withPath(async (to, directory) => {
      const error = await failureOf(convertLayers(arriving(await layerFiles(directory), order), 3, { kind: 'tar', to }));
      expect(error).toMatchObject({ code: 'LAYERS_MISSING', message: `layer channel closed after ${order.length} of 3 layers` });
      expect((await readdir(directory)).filter((name) => name.startsWith('out'))).toEqual([]);
    });
  });
});

describe('StreamingPacker', () => {
  it.each([[[0, 1, 2]], [[2, 1, 0]]])('packs a tar, order %j', async (order) => {
    await withPath(async (to, directory) => {
      const files = await layerFiles(directory);
      const packer = new StreamingPacker(THREE, { kind: 'tar', to });
      for (const index of order) packer.notifyLayerReady(index, pick(files, index).path);
      await packer.finish();
      expect(await contentsOf(to)).toEqual({ 'base.txt': 'new' });
    });
  });

  it('packs a directory', async () => {
    await withPath(async (to, directory) => {
      const files = await layerFiles(directory);
      const packer = new StreamingPacker(THREE, { kind: 'dir', to });
      for (const index of [1, 2, 0]) packer.notifyLayerReady(index, pick(files, index).path);
      await packer.finish();
      expect(await readdir(to)).toEqual(['base.txt']);
      expect(await readFile(join(to, 'base.txt'), 'utf8')).toBe('new');
    });
  });

  it.each([
    ['tar', 'tar'],
    ['directory', 'dir'],
    ['squashfs', 'squashfs'],
  ] as const)('tells of each layer once, newest first: %s', async (_, kind) => {
    if (kind === 'squashfs' && !needs('mksquashfs')) return;
    await withPath(async (to, directory) => {
      const told: LayerProgress[] = [];
      const packer = new StreamingPacker(THREE, { kind, to }, { onProgress: (progress) => told.push(progress) });
      for (const { index, path } of await layerFiles(directory)) packer.notifyLayerReady(index, path);
      await packer.finish();
      expect(told.map(({ type, index }) => `${type} ${index}`)).toEqual(
        [2, 1, 0].flatMap((index) => [`layerStarted ${index}`, `layerFinished ${index}`]),
      );
    });
  });

  it('fails with the error it was told of; another has no effect', async () => {
    await withPath(async (to) => {
      const packer = new StreamingPacker(THREE, { kind: 'tar', to });
      packer.notifyError(new Error('first'));
      packer.notifyError(new Error('second'));
      expect(codesOf(await failureOf(packer.finish()))).toEqual(['DOWNLOAD_FAILED', 'first']);
      expect(await isMissing(to)).toBe(true);
    });
  });

  it('leaves no file behind a layer that cannot be read, and takes no more layers', async () => {
    await withPath(async (to, directory) => {
      const first = pick(await layerFiles(directory, [layer().file('a')]), 0);
      const packer = new StreamingPacker([META, META], { kind: 'tar', to });
      packer.notifyLayerReady(1, join(directory, 'nowhere'));
      await expect.poll(() => catchCode(() => packer.notifyLayerReady(0, first.path))).toBe('PACKER_CLOSED');
      const error = await failureOf(packer.finish());
      expect(codesOf(error)).toEqual(['LAYER_FAILED', 'ENOENT']);
      expect((await readdir(directory)).filter((name) => name.startsWith('out'))).toEqual([]);
    });
  });

  it.each([99, -1, 0.5, 3])('refuses the index %d', async (index) => {
    await withPath(async (to) => {
      await using packer = new StreamingPacker(THREE, { kind: 'tar', to });
      expect(() => packer.notifyLayerReady(index, to)).toThrow(
        expect.objectContaining({ code: 'LAYER_INDEX', message: `layer index ${index} is out of range: there are 3 layers` }),
      );
    });
  });

  it('refuses the same index twice', async () => {
    await withPath(async (to, directory) => {
      const file = pick(await layerFiles(directory), 0);
      await using packer = new StreamingPacker([META, META], { kind: 'tar', to });
      packer.notifyLayerReady(0, file.path);
      expect(catchCode(() => packer.notifyLayerReady(0, file.path))).toBe('LAYER_REPEATED');
    });
  });

  it('cleans up when it is closed or aborted', async () => {
    await withPath(async (to, directory) => {
      const packer = new StreamingPacker(THREE, { kind: 'tar', to });
      await packer.close();
      expect(codesOf(await failureOf(packer.finish()))).toEqual(['PACKER_CLOSED']);
      const abort = new AbortController();
      const aborted = new StreamingPacker(THREE, { kind: 'tar', to }, { signal: abort.signal });
      abort.abort(new Error('enough'));
      expect((await failureOf(aborted.finish())).message).toBe('enough');
      expect(await readdir(directory)).toEqual([]);
    });
  });

  it('makes a valid empty output of no layers', async () => {
    await withPath(async (to) => {
      expect(await new StreamingPacker([], { kind: 'tar', to }).finish()).toMatchObject({ bytes: 1024 });
    });
  });
});

function catchCode(step: () => void): string | undefined {
  try {
    step();
    return undefined;
  } catch (error) {
    return (error as { readonly code?: string }).code;
  }
}

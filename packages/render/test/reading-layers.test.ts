import { spawnSync } from 'node:child_process';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { image, imageConfig, jsonBlob, layoutFiles, tarLayer } from '@cfskit/fixtures';
import { collectingReporter } from '@cfskit/progress';
import { memoryImageSource } from '@cfskit/oci-spec/testing';
import { describe, expect, it } from 'vitest';
import {
  composefsTree,
  convert,
  convertTar,
  fileLayer,
  loadRenderImage,
  type RenderImage,
  type RenderLayer,
  type RenderLimits,
  type Threads,
} from '../src/index.ts';
import { codesOf, failureOf, imageOf, memoryLayer, mergedTar, PLAIN_TAR, sha256, withPath } from './support/images.ts';
import { layer, type LayerBuilder } from './support/layer-builder.ts';
import { needs } from './support/programs.ts';
import { block, pax, record } from './support/raw-tar.ts';
import { readTar } from './support/read-tar.ts';

const tar = layer()
  .file(
    'large',
    new Uint8Array(3_000_000).map((_, i) => (i * 7919) >>> 8),
  )
  .file('small', 'x')
  .build();
const plain = memoryLayer(tar);

function packed(suffix: string, bytes: Uint8Array): RenderLayer {
  return memoryLayer(bytes, `${PLAIN_TAR}+${suffix}`, sha256(tar));
}

const halves = [tar.subarray(0, 700_001), tar.subarray(700_001)];
const SKIPPABLE = Buffer.from('502a4d1804000000deadbeef', 'hex');
const PACKED: Readonly<Record<string, RenderLayer>> = {
  gzip: packed('gzip', gzipSync(tar)),
  'gzip, two members': packed('gzip', Buffer.concat(halves.map((half) => gzipSync(half)))),
  'gzip, zeros behind it': packed('gzip', Buffer.concat([gzipSync(tar), Buffer.alloc(100)])),
  zstd: packed('zstd', zstdCompressSync(tar)),
  'zstd, two frames and skippable ones': packed(
    'zstd',
    Buffer.concat([SKIPPABLE, ...halves.map((half) => zstdCompressSync(half)), SKIPPABLE]),
  ),
};

describe.each(['never', 'always'] as const)('layers unpacked, threads %s', (threads: Threads) => {
  it('as they are', async () => {
    expect(readTar((await mergedTar(imageOf(plain), { threads })).bytes).map(({ path }) => path)).toEqual(['large', 'small']);
  });

  it.each(['gzip, two members', 'zstd, two frames and skippable ones'])('%s', async (name) => {
    const expected = await mergedTar(imageOf(plain), { threads: 'never' });
    expect((await mergedTar(imageOf(PACKED[name] ?? plain), { threads })).bytes.equals(expected.bytes)).toBe(true);
  });

  it('cut short: refused', async () => {
    const error = await failureOf(mergedTar(imageOf(packed('gzip', gzipSync(tar).subarray(0, 5000))), { threads }));
    expect(codesOf(error)).toEqual(['LAYER_FAILED', 'TRUNCATED']);
  });

  it('whose source fails', async () => {
    const failing: RenderLayer = {
      ...(PACKED['gzip'] ?? plain),
      async *open() {
        yield gzipSync(tar).subarray(0, 1000);
        await Promise.reject(new Error('connection reset'));
      },
    };
    expect(codesOf(await failureOf(mergedTar(imageOf(plain, failing), { threads })))).toEqual(['LAYER_FAILED', 'connection reset']);
  });

  it('that are not what their digest says', async () => {
    const wrong = { ...(PACKED['gzip'] ?? plain), blob: { digest: sha256(tar) } };
    expect(codesOf(await failureOf(mergedTar(imageOf(wrong), { threads })))).toEqual(['LAYER_FAILED', 'DIGEST_MISMATCH']);
  });

  it('until the caller gives up', async () => {
    const abort = new AbortController();
    const slow: RenderLayer = {
      name: 'slow',
      mediaType: `${PLAIN_TAR}+gzip`,
      async *open() {
        yield gzipSync(tar).subarray(0, 1000);
        abort.abort(new Error('enough'));
        await new Promise((resolve) => setTimeout(resolve, 20));
        yield gzipSync(tar).subarray(1000);
      },
    };
    expect((await failureOf(mergedTar(imageOf(slow), { threads, signal: abort.signal }))).message).toBe('enough');
  });
});

describe('layers unpacked', () => {
  it.each(Object.entries(PACKED))('%s', async (_, one) => {
    const expected = await mergedTar(imageOf(plain));
    expect((await mergedTar(imageOf(one), { threads: 'never' })).bytes.equals(expected.bytes)).toBe(true);
  });

  it.each([
    ['cut short', gzipSync(tar).subarray(0, 5000), 'TRUNCATED'],
    ['cut in its trailer', gzipSync(tar).subarray(0, -3), 'TRUNCATED'],
    ['with a wrong checksum behind the end of the tar', flipped(gzipSync(tar), -6), 'BAD_CHECKSUM'],
    ['of another format', zstdCompressSync(tar), 'BAD_MAGIC'],
    ['with something behind it', Buffer.concat([gzipSync(tar), Buffer.from('rubbish')]), 'TRAILING_DATA'],
  ])('gzip %s: refused', async (_, bytes, code) => {
    const error = await failureOf(mergedTar(imageOf(packed('gzip', bytes)), { threads: 'never' }));
    expect(codesOf(error)).toEqual(['LAYER_FAILED', code]);
  });
});

describe('other programs', () => {
  it.each(['bzip2', 'xz'])('%s', async (program) => {
    if (!needs(program)) return;
    const { stdout } = spawnSync(program, ['-c'], { input: tar, maxBuffer: 2 ** 26 });
    const expected = await mergedTar(imageOf(plain));
    for (const threads of ['never', 'always'] as const) {
      expect((await mergedTar(imageOf(packed(program, stdout)), { threads })).bytes.equals(expected.bytes)).toBe(true);
    }
    const cut = await failureOf(mergedTar(imageOf(packed(program, stdout.subarray(0, 1000)))));
    expect(codesOf(cut)).toEqual(['LAYER_FAILED', 'DECODER_FAILED']);
  });

  it.each(['never', 'always'] as const)('that are stuck are ended when the caller gives up, threads %s', async (threads) => {
    await withPath(async (_, directory) => {
      await writeFile(join(directory, 'xz'), '#!/bin/sh\necho $$ > "$0.pid"\nsleep 60 & wait\n', { mode: 0o755 });
      const path = process.env['PATH'];
      process.env['PATH'] = `${directory}:${path}`;
      try {
        const abort = new AbortController();
        const started = mergedTar(imageOf(packed('xz', tar)), { threads, signal: abort.signal });
        const pid = (): Promise<string> => readFile(join(directory, 'xz.pid'), 'utf8').catch(() => '');
        await expect.poll(pid, { timeout: 10_000 }).not.toBe('');
        abort.abort(new Error('enough'));
        expect((await failureOf(started)).message).toBe('enough');
        const running = Number(await pid());
        expect(() => process.kill(running, 0)).toThrow('ESRCH');
      } finally {
        process.env['PATH'] = path;
      }
    });
  });

  it('that are missing are named', async () => {
    const path = process.env['PATH'];
    process.env['PATH'] = '/nowhere';
    try {
      const error = await failureOf(mergedTar(imageOf(packed('lzma', tar))));
      expect([codesOf(error), (error.cause as Error).message]).toEqual([
        ['LAYER_FAILED', 'DECODER_MISSING', 'ENOENT'],
        expect.stringContaining('the program xz'),
      ]);
    } finally {
      process.env['PATH'] = path;
    }
  });
});

const many = (add: (one: LayerBuilder, i: number) => LayerBuilder, count = 20): LayerBuilder =>
  Array.from({ length: count }, (_, i) => i).reduce(add, layer());
const globals = (records: Readonly<Record<string, string>>): Buffer =>
  Buffer.concat([record('g', pax(records)), ...Array.from({ length: 20 }, (_, i) => block({ name: `f${i}` }))]);

describe('limits', () => {
  it.each<[string, RenderLimits, string]>([
    ['bytes of a layer', { maxLayerBytes: 100_000 }, 'OUTPUT_LIMIT'],
    ['entries', { maxEntries: 1 }, 'LIMIT_ENTRIES'],
    ['records', { maxMetadata: 100 }, 'LIMIT_METADATA'],
    ['records of one entry', { maxEntryMetadata: 100 }, 'LIMIT_METADATA'],
    ['depth', { maxDepth: 3 }, 'LIMIT_DEPTH'],
  ])('%s', async (_, limits, code) => {
    const one = layer()
      .add({ path: 'a/b/c/d/e', xattrs: { 'user.a': 'x'.repeat(200) } })
      .file('large', new Uint8Array(200_000));
    expect(codesOf(await failureOf(mergedTar(imageOf(one), { limits }))).slice(0, 2)).toEqual(['LAYER_FAILED', code]);
    expect((await mergedTar(imageOf(one))).bytes.length).toBeGreaterThan(0);
  });

  it('files with holes count in full', async () => {
    const one = layer().add({ path: 'f', pax: { 'GNU.sparse.map': '0,0', 'GNU.sparse.size': '200000', 'GNU.sparse.numblocks': '1' } });
    expect(codesOf(await failureOf(mergedTar(imageOf(one), { limits: { maxLayerBytes: 100_000 } })))).toEqual([
      'LAYER_FAILED',
      'LIMIT_BYTES',
    ]);
  });

  it.each<[string, LayerBuilder | Buffer]>([
    ['paths', many((one, i) => one.file(`${i}/${'d/'.repeat(100)}f`))],
    ['targets of links', many((one, i) => one.symlink(`l${i}`, 'x'.repeat(200)))],
    ['targets of hard links', many((one, i) => one.hardlink(`l${i}`, 'x'.repeat(200)))],
    ['names of owners', many((one, i) => one.add({ path: `f${i}`, pax: { uname: `u${i}${'x'.repeat(100)}`, gname: 'y'.repeat(100) } }))],
    ['records without values to speak of', many((one, i) => one.add({ path: `f${i}`, pax: { a: '1', b: '1', c: '1' } }))],
    [
      'global attributes, which each entry has',
      globals({ 'SCHILY.xattr.user.a': '', 'SCHILY.xattr.user.b': '', 'SCHILY.xattr.user.c': '' }),
    ],
  ])('metadata: %s count', async (_, one) => {
    const subject = imageOf(one);
    expect(codesOf(await failureOf(mergedTar(subject, { limits: { maxMetadata: 4000 } })))).toEqual(['LAYER_FAILED', 'LIMIT_METADATA']);
    expect((await mergedTar(subject, { limits: { maxMetadata: 5500 } })).bytes.length).toBeGreaterThan(0);
  });

  it.each<[string, RenderLimits, string]>([
    ['entries', { maxEntries: 30 }, 'LIMIT_ENTRIES'],
    ['metadata', { maxMetadata: 3000 }, 'LIMIT_METADATA'],
  ])('%s of all layers count together, before they are merged', async (_, limits, code) => {
    const one = many((entries, i) => entries.file(`${'n'.repeat(100)}${i}`));
    const found = { one: await mergedTar(imageOf(one), { limits }), two: await failureOf(mergedTar(imageOf(one, one), { limits })) };
    expect([found.one.bytes.length > 0, codesOf(found.two)]).toEqual([true, ['LAYER_FAILED', code]]);
  });

  it.each([
    ['a name', layer().file('n'.repeat(256)), 'INVALID_NAME'],
    ['a target', layer().symlink('s', 'x'.repeat(4096)), 'INVALID_TARGET'],
  ])('%s that no directory holds is refused before the layer ends', async (_, one, code) => {
    const subject = imageOf(Buffer.concat([one.build().subarray(0, -1024), Buffer.alloc(512, 1)])); // whose checksum is wrong
    expect(codesOf(await failureOf(mergedTar(subject)))).toEqual(['LAYER_FAILED', code]);
  });

  it('what hides a name of 255 bytes is longer than that', async () => {
    const name = 'n'.repeat(255);
    expect(readTar((await mergedTar(imageOf(layer().file(name), layer().whiteout('', name)))).bytes)).toEqual([]);
  });

  it('composefs images have them, too', async () => {
    const one = many((entries, i) => entries.file(`usr/${'n'.repeat(200)}${i}`));
    const error = await failureOf(composefsTree(imageOf(one), { limits: { maxMetadata: 4000 } }));
    expect(codesOf(error)).toEqual(['LAYER_FAILED', 'LIMIT_METADATA']);
  });

  it('depth by way of symbolic links', async () => {
    const one = layer().dir('a/b/c').symlink('s', 'a/b/c').dir('s/d/e');
    expect(codesOf(await failureOf(mergedTar(imageOf(one), { limits: { maxDepth: 5 } })))).toEqual(['LAYER_FAILED', 'LIMIT']);
  });
});

it('memory does not grow with files that are hidden, or kept', { timeout: 60_000 }, async () => {
  const header = layer()
    .add({ path: 'huge', pax: { size: String(2 ** 30) } })
    .build()
    .slice(0, 3 * 512);
  const huge: RenderLayer = {
    name: 'huge',
    mediaType: PLAIN_TAR,
    async *open() {
      yield header;
      for (let i = 0; i < 1024; i++) yield new Uint8Array(2 ** 20);
      await Promise.resolve();
    },
  };
  const before = process.memoryUsage().rss;
  const { result } = await mergedTar(imageOf(huge, layer().whiteout('', 'huge').file('f')));
  expect(result.bytes).toBe(512 + 1024);
  expect(process.memoryUsage().rss - before).toBeLessThan(150 * 2 ** 20);
});

describe('an image source', () => {
  const layers = [tarLayer(tar, 'gzip'), tarLayer(layer().file('small', 'newer').build(), 'zstd')];

  it('gives layers with both digests, and the time of the config', async () => {
    const config = imageConfig({ diffIds: layers.map(({ diffId }) => diffId), extra: { created: '2024-05-06T07:08:09.123456789Z' } });
    const loaded = await loadRenderImage(sourceOf(layers, config));
    expect(loaded).toMatchObject({
      created: { seconds: 1_714_979_289n, nanoseconds: 0 },
      layers: layers.map(({ descriptor, diffId }) => ({ name: descriptor.digest, diffId })),
    });
  });

  it('can be converted, and is told of', async () => {
    await withPath(async (to) => {
      const reporter = collectingReporter();
      await convertTar(sourceOf(layers), to, { reporter });
      expect(readTar(await readFile(to)).find(({ path }) => path === 'small')?.content).toBe('newer');
      const ids = layers.map(({ diffId }) => diffId);
      const started = reporter.events.flatMap((event) => (event.type === 'started' ? [event.id] : []));
      const done = reporter.events.flatMap((event) => (event.type === 'done' ? [event.id] : []));
      expect([started.toSorted(), done.toSorted()]).toEqual([[...ids, 'output'].toSorted(), [...ids, 'output'].toSorted()]);
      expect(done.at(-1)).toBe('output');
    });
  });

  it('with an artifact is refused', async () => {
    const config = jsonBlob({}, 'application/vnd.example+json');
    await withPath(async (to) => {
      expect(await failureOf(convertTar(sourceOf(layers, config), to, { tag: 'tag' }))).toMatchObject({ code: 'NOT_AN_IMAGE' });
    });
  });

  it('with the same layer twice, which is read once for each', async () => {
    const twice = [layers[1], layers[1]].filter((one) => one !== undefined);
    await withPath(async (to) => {
      expect((await convert(sourceOf(twice), { kind: 'tar', to })).bytes).toBe(2048);
    });
  });
});

/** An image that tells which of its layers are opened. */
function counted(subject: RenderImage): { readonly image: RenderImage; readonly opened: number[] } {
  const opened: number[] = [];
  const open = (one: RenderLayer, number: number): AsyncIterable<Uint8Array> => {
    opened.push(number);
    return one.open();
  };
  const layers = subject.layers.map((one, number) => Object.assign({}, one, { open: () => open(one, number) }));
  return { image: { ...subject, layers }, opened };
}

describe('layers that are kept unpacked', () => {
  const other = layer().file('other', 'x').build();
  const packedOther = memoryLayer(gzipSync(other), `${PLAIN_TAR}+gzip`, sha256(other));
  const subject = imageOf(PACKED['gzip'] ?? plain, packedOther, layer().file('small', 'newer'));
  it.each([
    ['all', 2 ** 24, [0, 1, 2, 2]],
    ['as many as there is room for', tar.length + 1, [0, 1, 1, 2, 2]],
    ['none that is too large', 1000, [0, 0, 1, 1, 2, 2]],
  ])('%s: the result is the same, and nothing is left', async (what, maxUnpackedBytes, wanted) => {
    for (const threads of ['never', 'always'] as const) {
      await withPath(async (to, directory) => {
        const { image: from, opened } = counted(subject);
        await convert(from, { kind: 'tar', to }, { maxUnpackedBytes, threads, jobs: 1 });
        expect((await readFile(to)).equals((await mergedTar(subject)).bytes)).toBe(true);
        expect({ what, opened: opened.toSorted((a, b) => a - b) }).toEqual({ what, opened: wanted });
        expect(await readdir(directory)).toEqual(['out']);
      });
    }
  });

  it('that are damaged are refused as ever', async () => {
    await withPath(async (to, directory) => {
      const broken = imageOf(packed('gzip', gzipSync(tar).subarray(0, 5000)));
      const error = await failureOf(convert(broken, { kind: 'tar', to }, { maxUnpackedBytes: 2 ** 24 }));
      expect([codesOf(error), await readdir(directory)]).toEqual([['LAYER_FAILED', 'TRUNCATED'], []]);
    });
  });
});

describe('a source far away', () => {
  it('is asked once for each layer, and nothing is left', async () => {
    await withPath(async (to, directory) => {
      const subject = imageOf(PACKED['gzip'] ?? plain, layer().file('small', 'newer'));
      const { image: from, opened } = counted(subject);
      for (const threads of ['never', 'always'] as const) {
        opened.length = 0;
        await convert(from, { kind: 'tar', to }, { fetchDirectory: directory, threads });
        expect([opened.toSorted((a, b) => a - b), await readdir(directory)]).toEqual([[0, 1], ['out']]);
        expect((await readFile(to)).equals((await mergedTar(subject)).bytes)).toBe(true);
      }
    });
  });

  it('that fails leaves nothing', async () => {
    await withPath(async (to, directory) => {
      const subject = imageOf(packed('gzip', gzipSync(tar).subarray(0, 5000)));
      expect(codesOf(await failureOf(convert(subject, { kind: 'tar', to }, { fetchDirectory: directory })))).toEqual([
        'LAYER_FAILED',
        'TRUNCATED',
      ]);
      expect(await readdir(directory)).toEqual([]);
    });
  });
});

it('a layer in a file is read as it is', async () => {
  await withPath(async (to, directory) => {
    const path = join(directory, 'layer');
    await writeFile(path, gzipSync(tar));
    const one: RenderImage = { name: 'files', layers: [fileLayer(path, { mediaType: `${PLAIN_TAR}+gzip`, diffId: sha256(tar) })] };
    expect((await convert(one, { kind: 'tar', to })).bytes).toBe((await mergedTar(imageOf(plain))).bytes.length);
  });
});

function sourceOf(
  layers: readonly ReturnType<typeof tarLayer>[],
  config?: ReturnType<typeof jsonBlob>,
): ReturnType<typeof memoryImageSource> {
  const packaged = image({ layers, ...(config && { config }) });
  const index = layoutFiles([{ image: packaged, tag: 'tag' }])['index.json'];
  const blobs = new Map(packaged.blobs.map(({ bytes, descriptor }) => [descriptor.digest, bytes]));
  return memoryImageSource({ index: index ?? new Uint8Array(), blobs });
}

function flipped(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[copy.length + at] = (copy.at(at) ?? 0) ^ 1;
  return copy;
}

describe('a long hole', () => {
  const sparse = layer().add({
    path: 'hole',
    content: new Uint8Array(512),
    pax: { 'GNU.sparse.map': `${2 ** 32 - 512},512`, 'GNU.sparse.size': String(2 ** 32), 'GNU.sparse.numblocks': '1' },
  });

  it('is not written to its end when the caller gives up, even where writing never waits', async () => {
    const abort = new AbortController();
    let written = 0;
    const to = {
      write: (pieces: readonly Uint8Array[]): Promise<void> => {
        if (written === 0) setImmediate(() => abort.abort(new Error('enough')));
        written += pieces.reduce((sum, { byteLength }) => sum + byteLength, 0);
        return Promise.resolve();
      },
      finish: () => Promise.resolve(),
      abort: () => Promise.resolve(),
    };
    const error = await failureOf(convert(imageOf(sparse), { kind: 'tar', to }, { signal: abort.signal }));
    expect(error.message).toBe('enough');
    expect(written).toBeLessThan(2 ** 31);
  });
});

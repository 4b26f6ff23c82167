import { flipBit, image, layoutFiles, tar, tarLayer, writeLayout } from '@cfskit/fixtures';
import type { Layer } from '@cfskit/fixtures';
import type { Descriptor, ImageSource } from '@cfskit/oci-spec';
import { memoryImageSource } from '@cfskit/oci-spec/testing';
import { openRepository } from '@cfskit/repository';
import { array, assert, asyncProperty, boolean, integer, nat } from 'fast-check';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { describe, expect, it, vi } from 'vitest';
import { collectGarbage, ociFsck, openImage } from '../src/index.ts';
import type { Threads } from '../src/index.ts';
import { leftovers, names, pull, withWorkspace } from './workspace.ts';

/** Bytes that do not compress, always the same. */
function noise(size: number, seed: number): Uint8Array {
  const bytes = new Uint8Array(size);
  let state = seed;
  for (let at = 0; at < size; at++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    bytes[at] = state >>> 24;
  }
  return bytes;
}

const files = [
  { path: 'a', content: noise(3000, 1) },
  { path: 'b', content: 'small' },
  { path: 'c', content: noise(70, 2) },
];

/** A source that gives other bytes for one blob, or cuts them as it is told. */
function altered(source: ImageSource, open: (descriptor: Descriptor, bytes: Uint8Array) => Iterable<Uint8Array>): ImageSource {
  return {
    describe: () => source.describe(),
    resolve: (options) => source.resolve(options),
    async *open(descriptor, options) {
      const chunks: Uint8Array[] = [];
      for await (const chunk of source.open(descriptor, options)) chunks.push(chunk);
      yield* open(descriptor, Uint8Array.from(Buffer.concat(chunks)));
    },
  };
}

function* cut(bytes: Uint8Array, sizes: readonly number[]): Generator<Uint8Array> {
  let at = 0;
  for (let turn = 0; at < bytes.length; turn++) {
    const size = sizes.at(turn % sizes.length)!;
    yield bytes.slice(at, at + size);
    at += size;
  }
}

describe.each(['gzip', 'zstd', 'none'] as const)('every byte of a %s layer counts', (compression) => {
  it('one that is flipped fails the pull, which names the blob and nothing else', () =>
    withWorkspace(async ({ repository, layout }) => {
      const layer = tarLayer(tar(files), compression);
      const source = await layout([{ image: image({ layers: [layer] }) }]);
      await assert(
        asyncProperty(nat(layer.bytes.length - 1), async (at) => {
          const damaged = altered(source, ({ digest }, bytes) => [digest === layer.descriptor.digest ? flipBit(bytes, at) : bytes]);
          const error = await pull(repository, damaged, { name: 'demo' }).catch((caught: unknown) => caught);
          expect(error).toMatchObject({
            code: 'LAYER_FAILED',
            context: { blob: layer.descriptor.digest },
            cause: { code: 'DIGEST_MISMATCH' },
          });
          expect(await names(repository)).toEqual([]);
        }),
        { numRuns: 60 },
      );
      expect(await leftovers(repository)).toEqual([]);
    }));
});

it('chunk boundaries do not matter', async () => {
  const layers = (['gzip', 'zstd', 'none'] as const).map((compression, i) => tarLayer(tar([...files, { path: `d${i}` }]), compression, 3));
  const pulled = image({ layers });
  const whole = await withWorkspace(async ({ repository, layout }) => pull(repository, await layout([{ image: pulled }])));
  const blobs = new Map(pulled.blobs.map((blob) => [blob.descriptor.digest, blob.bytes]));
  await assert(
    asyncProperty(array(integer({ min: 1, max: 700 }), { minLength: 1, maxLength: 5 }), boolean(), (sizes, native) =>
      withWorkspace(async ({ repository, layout }) => {
        if (!native) process.env['CFSKIT_NO_ISAL'] = '1';
        try {
          const source = altered(await layout([{ image: pulled }]), ({ digest }) => cut(blobs.get(digest)!, sizes));
          const result = await pull(repository, source, { threads: 'never' });
          expect(result).toMatchObject({ manifestVerity: whole.manifestVerity, configVerity: whole.configVerity, stats: whole.stats });
        } finally {
          delete process.env['CFSKIT_NO_ISAL'];
        }
      }),
    ),
    { numRuns: 12 },
  );
});

describe.each(['never', 'always'] as Threads[])('an abort, threads: %s', (threads) => {
  it('stops in the middle of a layer and leaves what was complete', () =>
    withWorkspace(async ({ repository, layout }) => {
      const done = tarLayer(tar([{ path: 'done', content: noise(500_000, 3) }]), 'none');
      const large = tarLayer(tar([{ path: 'large', content: noise(3_000_000, 4) }]), 'none');
      const source = await layout([{ image: image({ layers: [done, large] }) }]);
      const controller = new AbortController();
      const slow: ImageSource = {
        ...altered(source, (_, bytes) => [bytes]),
        async *open(descriptor, options) {
          if (descriptor.digest !== large.descriptor.digest) {
            yield* source.open(descriptor, options);
            return;
          }
          yield large.bytes.slice(0, 2_000_000);
          while (!(await names(repository)).includes(`oci-layer-${done.diffId}`)) await sleep(5);
          controller.abort(new Error('enough'));
          yield large.bytes.slice(2_000_000);
          throw new Error('nobody stopped reading');
        },
      };
      using terminate = vi.spyOn(Worker.prototype, 'terminate');
      await expect(pull(repository, slow, { name: 'demo', threads, jobs: 2, signal: controller.signal })).rejects.toThrow('enough');
      expect(await names(repository)).toEqual([`oci-layer-${done.diffId}`]);
      expect(terminate).not.toHaveBeenCalled(); // docs/decisions/ending-threads.md
      expect(await leftovers(repository)).toEqual([]);
    }));

  it('does not wait for a source that hangs', () =>
    withWorkspace(async ({ repository, layout }) => {
      const layer = tarLayer(tar(files));
      const source = await layout([{ image: image({ layers: [layer] }) }]);
      const controller = new AbortController();
      const hanging: ImageSource = {
        ...altered(source, (_, bytes) => [bytes]),
        async *open(descriptor, options) {
          if (descriptor.digest !== layer.descriptor.digest) yield* source.open(descriptor, options);
          else {
            yield layer.bytes.slice(0, 100);
            setTimeout(() => controller.abort(), 20);
            await sleep(60_000, undefined, { signal: options!.signal! });
          }
        },
      };
      await expect(pull(repository, hanging, { threads, signal: controller.signal })).rejects.toMatchObject({ name: 'AbortError' });
      expect(await names(repository)).toEqual([]);
    }));

  it('ends a layer that decompresses without end, and lets timers run meanwhile', () =>
    withWorkspace(async ({ repository, layout }) => {
      const bomb = tarLayer(tar([{ path: 'zeros', content: new Uint8Array(150_000_000) }]), 'zstd');
      const source = await layout([{ image: image({ layers: [bomb] }) }]);
      const controller = new AbortController();
      setTimeout(() => controller.abort(), 50);
      await expect(pull(repository, source, { threads, signal: controller.signal })).rejects.toMatchObject({ name: 'AbortError' });
      expect(await names(repository)).toEqual([]);
      expect(await leftovers(repository)).toEqual([]);
    }));

  it('that came before touches nothing', () =>
    withWorkspace(async ({ repository }) => {
      const untouched = memoryImageSource({ manifests: [], blobs: new Map() } as never);
      await expect(pull(repository, untouched, { threads, signal: AbortSignal.abort() })).rejects.toMatchObject({ name: 'AbortError' });
    }));
});

describe('a process that is killed', () => {
  const layers: readonly Layer[] = [1, 2, 3].map((seed) =>
    tarLayer(tar([{ path: `f${seed}`, content: noise(2_500_000, seed) }, ...files]), 'none'),
  );

  it('leaves a repository that is in order, and the next pull completes it', () =>
    withWorkspace(async ({ repository, directory }) => {
      const path = repository.path;
      await repository.close();
      await writeLayout(
        join(directory, 'layout'),
        layoutFiles([{ image: image({ layers }), platform: { architecture: 'amd64', os: 'linux' } }]),
      );
      const script = fileURLToPath(new URL('pull-process.ts', import.meta.url));
      for (const delay of [0, 30, 90]) {
        const child = spawn(process.execPath, ['--conditions=source', script, path, join(directory, 'layout')], {
          stdio: ['ignore', 'pipe', 'inherit'],
        });
        await once(child.stdout, 'data'); // it is about to begin
        await sleep(delay);
        child.kill('SIGKILL');
        await once(child, 'exit');
        const after = await openRepository(path);
        expect((await after.fsck()).errors).toEqual([]);
        await after.close();
      }
      const child = spawn(process.execPath, ['--conditions=source', script, path, join(directory, 'layout')], { stdio: 'ignore' });
      expect(await once(child, 'exit')).toEqual([0, null]);
      const last = await openRepository(path);
      expect((await ociFsck(last)).findings).toEqual([]);
      expect((await openImage(last, 'demo')).layers).toHaveLength(3);
      await collectGarbage(last);
      expect(await leftovers(last)).toEqual([]);
      await last.close();
    }));
});

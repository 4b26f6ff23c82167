import { flipBit, sha256, tar, tarLayer } from '@cfskit/fixtures';
import type { Layer } from '@cfskit/fixtures';
import { CompressionError } from '@cfskit/compression';
import { VerifyError } from '@cfskit/oci-spec';
import { CONTENT_TYPE } from '@cfskit/splitstream';
import { TarSplitError } from '@cfskit/tar-split';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { LayerRunner } from '../src/run-layer.ts';
import type { LayerJob } from '../src/run-layer.ts';
import { leftovers, withWorkspace } from './workspace.ts';

const content = (seed: number): Uint8Array => Uint8Array.from({ length: 1_500_000 }, (_, i) => (i * i * seed) >> 3);
const layerOf = (seed: number): Layer =>
  tarLayer(
    tar([
      { path: `large${seed}`, content: content(seed) },
      { path: 'b', content: content(seed).slice(0, 70_000) },
    ]),
    seed % 2 === 0 ? 'gzip' : 'zstd',
  );
const layers = [1, 2, 3, 4].map(layerOf);

function jobFor(layer: Layer): LayerJob {
  const { digest, size, mediaType } = layer.descriptor;
  const compression = mediaType.endsWith('gzip') ? 'gzip' : 'zstd';
  return {
    decode: { blob: { digest, size }, compression, diffId: layer.diffId },
    store: { kind: 'tar', contentType: CONTENT_TYPE.layer },
  };
}

async function* chunked(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.slice(at, at + size);
}

/** Ids of the streams, all layers at once on so many CPUs. */
async function runAll(runner: LayerRunner, crowded: boolean): Promise<readonly string[]> {
  const runs = layers.map((layer, i) => runner.run(jobFor(layer), chunked(layer.bytes, 100_000 * (i + 1)), { crowded }));
  return (await Promise.all(runs)).map((stored) => stored.id);
}

describe('however the threads are shared out', () => {
  it('streams and objects are the same', () =>
    withWorkspace(async (workspace) => {
      const here = new LayerRunner(workspace.repository.objects, 'never');
      const expected = await runAll(here, false);
      for (const [cpus, crowded] of [
        [1, false],
        [3, true],
        [5, false],
      ] as const) {
        const runner = new LayerRunner(workspace.repository.objects, 'always', cpus);
        expect(await runAll(runner, crowded)).toEqual(expected);
        await runner.close();
      }
      expect(await leftovers(workspace.repository)).toEqual([]);
    }));

  it.each([
    ['two threads', 5, false],
    ['one thread', 5, true],
    ['this thread and another', 2, false],
  ])('errors keep their class and their place: %s', (_, cpus, crowded) =>
    withWorkspace(async (workspace) => {
      const runner = new LayerRunner(workspace.repository.objects, 'always', cpus);
      const [first, layer] = layers as [Layer, Layer];
      // The first one takes the calling thread, where there are more.
      const busy = runner.run(jobFor(first), slowly(first.bytes), { crowded });
      const run = (bytes: Uint8Array, of: Layer = layer): Promise<unknown> => runner.run(jobFor(of), chunked(bytes, 300_000), { crowded });

      const flipped = run(flipBit(layer.bytes, 1000));
      await expect(flipped).rejects.toThrow(VerifyError);
      await expect(flipped).rejects.toMatchObject({
        code: 'DIGEST_MISMATCH',
        expected: layer.descriptor.digest,
        digest: layer.descriptor.digest,
      });

      const garbage = tarLayer(new Uint8Array(1_000_000).fill(7), 'gzip');
      await expect(run(garbage.bytes, garbage)).rejects.toThrow(TarSplitError);
      await expect(run(garbage.bytes, garbage)).rejects.toMatchObject({ code: 'INVALID_FIELD', offset: 0 });

      const short = {
        ...layer,
        descriptor: { ...layer.descriptor, digest: sha256(layer.bytes.slice(0, -9)), size: layer.bytes.length - 9 },
      };
      await expect(run(layer.bytes.slice(0, -9), short)).rejects.toThrow(CompressionError);

      const broken = (async function* () {
        yield layer.bytes.slice(0, 500_000);
        throw Object.assign(new Error('the connection is gone'), { code: 'ECONNRESET' });
      })();
      await expect(runner.run(jobFor(layer), broken, { crowded })).rejects.toMatchObject({ code: 'ECONNRESET' });

      const controller = new AbortController();
      setTimeout(() => controller.abort(new Error('enough')), 10);
      const stopped = runner.run(jobFor(layer), slowly(layer.bytes), { crowded, signal: controller.signal });
      await expect(stopped).rejects.toThrow('enough');

      expect((await busy).size).toBeGreaterThan(1_500_000);
      await runner.close();
      expect(await leftovers(workspace.repository)).toEqual([]);
    }),
  );
});

async function* slowly(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunked(bytes, Math.ceil(bytes.length / 20))) {
    await sleep(5);
    yield chunk;
  }
}

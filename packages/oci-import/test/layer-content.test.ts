import { artifact, image, sha256, tar, tarLayer } from '@cfskit/fixtures';
import { gzipSync, inflateSync } from 'node:zlib';
import { chmod, writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { dumpLayer, importLayer, layerInfo, layerTar, listLayer } from '../src/index.ts';
import { collect, names, pull, readVectors, withWorkspace } from './workspace.ts';

interface ExampleLayer {
  readonly tar_zlib_base64: string;
  readonly tar_size: number;
  readonly diff_id: string;
  readonly inline_bytes: number;
  readonly stream_object: Readonly<Record<'sha256' | 'sha512', string>>;
  readonly dump: readonly string[];
  readonly dump_sha512: readonly string[];
}

const example = await readVectors<ExampleLayer>('example-layer.json');
const exampleTar = Uint8Array.from(inflateSync(Buffer.from(example.tar_zlib_base64, 'base64')));

async function* source(...chunks: Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks;
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}

describe('a single layer', () => {
  it.each(['sha256', 'sha512'] as const)('has the stream and the listing of the reference (%s)', (algorithm) =>
    withWorkspace(async ({ repository }) => {
      const result = await importLayer(repository, example.diff_id, source(exampleTar), { name: 'name' });
      expect(result).toMatchObject({
        verity: example.stream_object[algorithm],
        stats: { objectsCopied: 3, objectsAlreadyPresent: 0, layers: 1 },
      });
      expect(await all(dumpLayer(repository, example.diff_id))).toEqual(algorithm === 'sha256' ? example.dump : example.dump_sha512);
      expect((await repository.openStream('refs/name')).streamSize).toBe(example.tar_size);
      expect(await layerInfo(repository, example.diff_id)).toEqual({
        diffId: example.diff_id,
        verity: example.stream_object[algorithm],
        size: example.tar_size,
        entryCount: 4,
        splitstream: { externalObjects: 3, externalSize: 4095 + 4096 + 4097, inlineSize: example.inline_bytes },
      });
      expect((await all(listLayer(repository, example.diff_id))).map((entry) => entry.type)).toEqual(['file', 'file', 'file', 'file']);
      expect(await collect(layerTar(repository, example.diff_id))).toEqual(exampleTar);
    }, algorithm),
  );

  it('that is there is not read, and gets the name', () =>
    withWorkspace(async ({ repository }) => {
      await importLayer(repository, example.diff_id, source(exampleTar));
      const never: AsyncIterable<Uint8Array> = {
        [Symbol.asyncIterator]: () => {
          throw new Error('nobody should ask');
        },
      };
      const again = await importLayer(repository, example.diff_id, never, { name: 'later' });
      expect(again.stats).toMatchObject({ layers: 1, layersAlreadyPresent: 1, objectsCopied: 0, bytesInlined: 0 });
      expect(await names(repository)).toEqual([`oci-layer-${example.diff_id}`, 'refs/later']);
    }));

  it.each(['gzip', 'zstd', 'none'] as const)('may come compressed: %s', (compression) =>
    withWorkspace(async ({ repository }) => {
      const { bytes } = tarLayer(exampleTar, compression);
      const { verity } = await importLayer(repository, example.diff_id, source(bytes.subarray(0, 3), bytes.subarray(3)));
      expect(verity).toBe(example.stream_object.sha256);
    }),
  );

  it('that is large is done by a worker', () =>
    withWorkspace(async ({ repository }) => {
      const bytes = tar([{ path: 'large', content: new Uint8Array(3_000_000).fill(7) }]);
      const chunks = Array.from({ length: 47 }, (_, i) => bytes.slice(i * 65_536, (i + 1) * 65_536));
      const { stats } = await importLayer(repository, sha256(bytes), source(...chunks));
      expect(stats).toMatchObject({ objectsCopied: 1, bytesCopied: 3_000_000 });
      expect(sha256(await collect(layerTar(repository, sha256(bytes))))).toBe(sha256(bytes));
    }));

  it('that hashes to something else is refused', () =>
    withWorkspace(async ({ repository }) => {
      const wrong = sha256(gzipSync(exampleTar));
      await expect(importLayer(repository, wrong, source(exampleTar), { name: 'x' })).rejects.toMatchObject({ code: 'DIFF_ID_MISMATCH' });
      await expect(importLayer(repository, 'sha256:../x', source(exampleTar))).rejects.toMatchObject({ code: 'INVALID_DIGEST' });
      expect(await names(repository)).toEqual([]);
    }));

  it('that is not there is an error', () =>
    withWorkspace(async ({ repository }) => {
      const missing = `Layer ${example.diff_id} not found`;
      await expect(layerInfo(repository, example.diff_id)).rejects.toThrow(missing);
      await expect(collect(layerTar(repository, example.diff_id))).rejects.toThrow(missing);
      await expect(all(listLayer(repository, example.diff_id))).rejects.toThrow(missing);
    }));

  it('that no longer hashes to its diff_id fails after its last byte', () =>
    withWorkspace(async ({ repository }) => {
      await importLayer(repository, example.diff_id, source(exampleTar));
      const { objectRefs } = await repository.openStream(`oci-layer-${example.diff_id}`);
      const path = repository.objects.pathOf(objectRefs.at(0)!);
      await chmod(path, 0o644);
      await writeFile(path, new Uint8Array(4095).fill(1));
      const parts: Uint8Array[] = [];
      const reading = (async () => {
        for await (const part of layerTar(repository, example.diff_id)) parts.push(part);
      })();
      await expect(reading).rejects.toMatchObject({ code: 'INTEGRITY', context: { expected: example.diff_id } });
      expect(Buffer.concat(parts)).toHaveLength(example.tar_size);
    }));

  it('of an artifact that was compressed is called by its blob, and comes back all the same', () =>
    withWorkspace(async ({ repository, layout }) => {
      const layer = tarLayer(exampleTar, 'gzip');
      await pull(repository, await layout([{ image: artifact({ artifactType: 'application/x', layers: [layer] }), tag: 'a' }]), {
        tag: 'a',
      });
      expect(await collect(layerTar(repository, layer.descriptor.digest))).toEqual(exampleTar);
    }));

  it('that cannot be listed is imported with a warning', () =>
    withWorkspace(async ({ repository, layout }) => {
      const odd = tar([{ path: 'odd' }]);
      odd[156] = 'Z'.charCodeAt(0);
      odd.set(new TextEncoder().encode('        '), 148);
      const sum = odd.subarray(0, 512).reduce((total, byte) => total + byte, 0);
      odd.set(new TextEncoder().encode(`${sum.toString(8).padStart(6, '0')}\0 `), 148);
      const layer = tarLayer(odd);
      const warnings: string[] = [];
      await pull(repository, await layout([{ image: image({ layers: [layer] }) }]), { onWarning: (text) => warnings.push(text) });
      expect(warnings).toEqual([
        expect.stringMatching(new RegExp(`layer ${layer.diffId} is stored but cannot be listed: Unsupported entry type`)),
      ]);
      await expect(all(listLayer(repository, layer.diffId))).rejects.toMatchObject({ code: 'UNSUPPORTED_TYPE' });
      expect(await collect(layerTar(repository, layer.diffId))).toEqual(odd);
    }));
});

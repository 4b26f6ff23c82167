import { compress, flipBit, withTempDir, type Compression } from '@cfskit/fixtures';
import { digestOf, mediaTypes, type Descriptor } from '@cfskit/oci-spec';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { LayerFile } from '../src/index.ts';
import { bytesOf, failure, tarA } from './images.ts';

const TYPES: Readonly<Record<Compression, string>> = { none: mediaTypes.layer, gzip: mediaTypes.layerGzip, zstd: mediaTypes.layerZstd };

async function withLayer(bytes: Uint8Array, mediaType: string, work: (layer: LayerFile) => Promise<void>, diffId?: string): Promise<void> {
  await withTempDir(async (directory) => {
    const path = join(directory, 'layer');
    await writeFile(path, bytes);
    const descriptor: Descriptor = { mediaType, digest: digestOf(bytes), size: bytes.length };
    await work(new LayerFile({ descriptor, path, origin: 'source', ...(diffId !== undefined && { diffId }) }));
  });
}

const diffId = digestOf(tarA);

/** The content of etc/hostname, after all entries have been seen. */
async function find(layer: LayerFile): Promise<string | undefined> {
  let found: string | undefined;
  for await (const entry of layer.entries()) {
    if (Buffer.from(entry.path).toString() === '/etc/hostname') found = Buffer.from(await bytesOf(entry.content())).toString();
  }
  return found;
}

describe('a layer in a file', () => {
  it.each(['none', 'gzip', 'zstd'] as const)('is unpacked and compared with its diff_id: %s', async (compression) => {
    const packed = compress(tarA, compression);
    await withLayer(
      packed,
      TYPES[compression],
      async (layer) => {
        const stream = layer.decompress();
        expect(stream.position).toBe(0);
        expect(await bytesOf(stream)).toEqual(tarA);
        expect(stream.position).toBe(packed.length);
        expect(layer).toMatchObject({ compression, diffId, digest: digestOf(packed) });
        expect(await bytesOf(layer.read())).toEqual(packed);
      },
      diffId,
    );
  });

  it.each(['gzip', 'zstd'] as const)('is unpacked to its last member or frame: %s', async (compression) => {
    const parts = [tarA.subarray(0, 700), tarA.subarray(700, 1500), tarA.subarray(1500)];
    const packed = Buffer.concat(parts.map((part) => compress(part, compression)));
    await withLayer(packed, TYPES[compression], async (layer) => expect(await bytesOf(layer.decompress())).toEqual(tarA), diffId);
  });

  it.each<[Compression, Compression]>([
    ['none', 'gzip'],
    ['gzip', 'none'],
    ['gzip', 'zstd'],
    ['zstd', 'gzip'],
  ])('is unpacked as it is, with a warning, where its media type says otherwise: %s as %s', async (compression, said) => {
    await withLayer(
      compress(tarA, compression),
      TYPES[said],
      async (layer) => {
        const warnings: string[] = [];
        expect(await bytesOf(layer.decompress({ onWarning: (text) => warnings.push(text) }))).toEqual(tarA);
        expect(warnings).toEqual([`the media type of layer ${layer.digest} says ${said}, its content is ${compression}`]);
      },
      diffId,
    );
  });

  it.each([mediaTypes.dockerLayerGzip, mediaTypes.foreignLayerGzip, mediaTypes.dockerForeignLayerGzip])(
    'may be of Docker, or foreign: %s',
    async (type) => {
      await withLayer(compress(tarA, 'gzip'), type, async (layer) => expect(await bytesOf(layer.decompress())).toEqual(tarA));
    },
  );

  it('is refused: other content than its diff_id says, cut, damaged, a bomb', async () => {
    await withLayer(
      compress(tarA.with(600, 7), 'gzip'),
      TYPES.gzip,
      async (layer) => expect(await failure(bytesOf(layer.decompress()))).toMatchObject({ code: 'DIGEST_MISMATCH', expected: diffId }),
      diffId,
    );
    const packed = compress(tarA, 'gzip');
    await withLayer(packed.subarray(0, -9), TYPES.gzip, async (layer) => {
      expect(await failure(bytesOf(layer.decompress()))).toMatchObject({ name: 'CompressionError', code: 'TRUNCATED' });
    });
    await withLayer(flipBit(packed, packed.length - 6), TYPES.gzip, async (layer) => {
      expect(await failure(bytesOf(layer.decompress()))).toMatchObject({ name: 'CompressionError', code: 'BAD_CHECKSUM' });
    });
    await withLayer(packed, TYPES.gzip, async (layer) => {
      expect(await failure(bytesOf(layer.decompress({ limits: { maxOutput: 1000 } })))).toMatchObject({ code: 'OUTPUT_LIMIT' });
    });
  });

  it('packed twice is unpacked once, and what comes out is no tar', async () => {
    const noise = Uint8Array.from({ length: 3000 }, (_, i) => Math.imul(i + 1, 0x9e3779b1) >>> 13);
    const once = compress(Buffer.concat([tarA, noise]), 'gzip');
    await withLayer(compress(once, 'gzip'), TYPES.gzip, async (layer) => {
      expect(await bytesOf(layer.decompress())).toEqual(once);
      expect(await failure(find(layer))).toMatchObject({ name: 'TarSplitError', code: 'INVALID_FIELD' });
    });
  });

  it.each(['none', 'gzip', 'zstd'] as const)(
    'whose tar ends megabytes before the layer does is read to its end: %s',
    async (compression) => {
      const long = Buffer.concat([tarA, new Uint8Array(3 * 1024 * 1024).fill(7)]);
      const type = TYPES[compression];
      const expected = digestOf(long);
      await withLayer(compress(long, compression), type, async (layer) => expect(await find(layer)).toBe('box\n'), expected);
      const damaged = compress(flipBit(long, long.length - 1), compression);
      const check = async (layer: LayerFile): Promise<void> =>
        expect(await failure(find(layer))).toMatchObject({ code: 'DIGEST_MISMATCH', expected });
      await withLayer(damaged, type, check, expected);
    },
  );

  it.each(['application/vnd.oci.image.layer.v1.tar+gzip+encrypted', 'application/octet-stream'])('is refused: %s', async (type) => {
    await withLayer(tarA, type, async (layer) => {
      expect(() => layer.decompress()).toThrow(expect.objectContaining({ code: 'UNSUPPORTED_LAYER', digest: layer.digest }));
      expect(await bytesOf(layer.read())).toEqual(tarA);
    });
  });

  it('ends with the reason of an aborted signal', async () => {
    await withLayer(compress(tarA, 'gzip'), TYPES.gzip, async (layer) => {
      const error = await failure(bytesOf(layer.decompress({ signal: AbortSignal.abort() })));
      expect(error).toMatchObject({ name: 'AbortError' });
    });
  });

  it('gives its entries, and the verdict after the last', async () => {
    await withLayer(compress(tarA, 'zstd'), TYPES.zstd, async (layer) => expect(await find(layer)).toBe('box\n'), diffId);
    await withLayer(
      compress(tarA, 'zstd'),
      TYPES.zstd,
      async (layer) => expect(await failure(find(layer))).toMatchObject({ code: 'DIGEST_MISMATCH' }),
      digestOf(new Uint8Array(1)),
    );
  });
});

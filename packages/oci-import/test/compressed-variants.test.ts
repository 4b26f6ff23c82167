import { image, sha256, toBlob } from '@cfskit/fixtures';
import type { Layer } from '@cfskit/fixtures';
import { describe, expect, it } from 'vitest';
import { layerTar, OciImportError } from '../src/index.ts';
import { collect, names, pull, readVectors, withWorkspace } from './workspace.ts';

interface Variant {
  readonly id: string;
  readonly media_type: string;
  readonly blob: string;
  readonly digest: string;
  readonly expected?: string;
}

const { compressed_variants: vectors } = await readVectors<{ compressed_variants: { diff_id: string; variants: readonly Variant[] } }>(
  'oci-import.json',
);
const isRefused = ({ expected }: Variant): boolean => expected?.startsWith('error') ?? false;

function layerOf({ blob, media_type: mediaType }: Variant): Layer {
  return { ...toBlob(Uint8Array.from(Buffer.from(blob, 'base64')), mediaType), diffId: vectors.diff_id };
}

describe('one tar in many forms', () => {
  it.each(vectors.variants.filter((variant) => !isRefused(variant)))('$id is imported whole', (variant) =>
    withWorkspace(async ({ repository, layout }) => {
      expect(layerOf(variant).descriptor.digest).toBe(variant.digest);
      await pull(repository, await layout([{ image: image({ layers: [layerOf(variant)] }) }]));
      expect(sha256(await collect(layerTar(repository, vectors.diff_id)))).toBe(vectors.diff_id);
    }),
  );

  it.each(vectors.variants.filter(isRefused))('$id is refused, and nothing is named', (variant) =>
    withWorkspace(async ({ repository, layout }) => {
      const source = await layout([{ image: image({ layers: [layerOf(variant)] }) }]);
      const error = await pull(repository, source, { name: 'demo' }).catch((caught: unknown) => caught);
      expect(error).toBeInstanceOf(OciImportError);
      expect(error).toMatchObject({ code: 'LAYER_FAILED', context: { blob: variant.digest } });
      expect((error as Error).cause).toMatchObject({ code: expect.stringMatching(/TRUNCATED|BAD_MAGIC|DIFF_ID_MISMATCH/) });
      expect(await names(repository)).toEqual([]);
    }),
  );
});

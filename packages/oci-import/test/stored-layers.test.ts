import { image, tar, tarLayer, toBlob } from '@cfskit/fixtures';
import type { Descriptor, ImageSource } from '@cfskit/oci-spec';
import { expect, it } from 'vitest';
import { names, objectFiles, pull, withWorkspace } from './workspace.ts';

const plain = [tar([{ path: 'a', content: 'x'.repeat(3000) }]), tar([{ path: 'b', content: 'small' }])];
const packaged = image({ layers: [tarLayer(plain.at(0)!, 'gzip'), tarLayer(plain.at(1)!, 'zstd')] });
const asTars = plain.map((bytes) => toBlob(bytes, 'application/vnd.oci.image.layer.v1.tar').descriptor);

/** A source that has the layers of another one as plain tars only, as a containers storage has. */
function uncompressed(source: ImageSource, stored: readonly Descriptor[], blobs = plain): ImageSource & { readonly asked: number } {
  const changed = {
    asked: 0,
    describe: () => source.describe(),
    resolve: source.resolve.bind(source),
    storedLayers() {
      changed.asked++;
      return Promise.resolve(stored);
    },
    async *open(descriptor: Descriptor): AsyncGenerator<Uint8Array, void> {
      const index = asTars.findIndex(({ digest }) => digest === descriptor.digest);
      if (index < 0) yield* source.open(descriptor);
      else yield blobs.at(index)!.slice();
    },
  };
  return changed;
}

it('reads layers in the form the source has them in, and stores the same', () =>
  withWorkspace(async ({ repository, layout }) => {
    const source = uncompressed(await layout([{ image: packaged }]), asTars);
    const result = await pull(repository, source, { name: 'demo' });
    const found = [await names(repository), await objectFiles(repository)];
    expect(result).toMatchObject({ manifestDigest: packaged.descriptor.digest });
    expect(result.bytesFetched).toBe(plain.reduce((sum, bytes) => sum + bytes.byteLength, 0) + packaged.blobs.at(1)!.bytes.byteLength);
    expect((await pull(repository, source)).bytesFetched).toBe(0);
    expect(source.asked).toBe(1); // nobody needs to know when all layers are there
    await withWorkspace(async (other) => {
      await pull(other.repository, await other.layout([{ image: packaged }]), { name: 'demo' });
      const objects = (await objectFiles(other.repository)).map((path) => path.replace(other.repository.path, repository.path));
      expect(found.map((list) => list.toSorted())).toEqual([await names(other.repository), objects.toSorted()]);
    });
  }));

it.each([
  ['too few', asTars.slice(1), plain, 'LAYER_COUNT'],
  ['no tar', [{ ...asTars.at(0)!, mediaType: 'text/plain' }, asTars.at(1)!], plain, 'UNSUPPORTED_LAYER'],
  ['another tar', asTars, [plain.at(0)!.toReversed(), plain.at(1)!], 'LAYER_FAILED'],
])('refuses what is %s', (_, stored, blobs, code) =>
  withWorkspace(async ({ repository, layout }) => {
    const source = uncompressed(await layout([{ image: packaged }]), stored, blobs);
    await expect(pull(repository, source, { name: 'demo' })).rejects.toMatchObject({ code });
    expect((await names(repository)).filter((name) => /manifest|config|refs/.test(name))).toEqual([]);
  }),
);

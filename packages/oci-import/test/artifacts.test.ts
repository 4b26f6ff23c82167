import { artifact, image, sha256, sha512, tar, tarLayer, toBlob } from '@cfskit/fixtures';
import { CONTENT_TYPE } from '@cfskit/splitstream';
import { describe, expect, it } from 'vitest';
import { openBlob, openImage, openLayer, writeBlob } from '../src/index.ts';
import { collect, names, objectFiles, pull, withWorkspace } from './workspace.ts';

const bytes = new TextEncoder().encode('hello world');
const wasm = artifact({ artifactType: 'application/vnd.wasm', layers: [toBlob(bytes, 'application/wasm')] });

describe('an artifact', () => {
  it('is stored with its layers as they are', () =>
    withWorkspace(async ({ repository, layout }) => {
      const result = await pull(repository, await layout([{ image: wasm, tag: 'a' }]), { tag: 'a', name: 'wasm' });
      expect(result).toMatchObject({ isContainer: false, stats: { objectsCopied: 1, bytesCopied: bytes.length, bytesInlined: 0 } });
      const stored = await openImage(repository, 'wasm');
      expect(stored).toMatchObject({ isContainer: false, config: undefined, layers: [{ id: sha256(bytes) }] });
      expect(await collect(openLayer(repository, stored, 0))).toEqual(bytes);
    }));

  it('has no layer beyond its last, and none that is a tar can be opened as a blob', () =>
    withWorkspace(async ({ repository, layout }) => {
      const layer = tarLayer(tar([{ path: 'a' }]));
      await pull(repository, await layout([{ image: image({ layers: [layer] }) }]), { name: 'demo' });
      const stored = await openImage(repository, 'demo');
      await expect(collect(openLayer(repository, stored, 1))).rejects.toThrow('Layer index 1 out of range');
      await expect(collect(openLayer(repository, stored, 0))).rejects.toMatchObject({
        code: 'NOT_A_BLOB',
        message: expect.stringContaining(`media type: ${layer.descriptor.mediaType}`),
      });
    }));

  it('whose layer is not referred to cannot be read', () =>
    withWorkspace(async ({ repository, layout }) => {
      await pull(repository, await layout([{ image: wasm, tag: 'a' }]), { tag: 'a', name: 'wasm' });
      const stored = await openImage(repository, 'wasm');
      const broken = { ...stored, layers: stored.layers.map(({ descriptor, id }) => ({ descriptor, id, verity: undefined })) };
      await expect(collect(openLayer(repository, broken, 0))).rejects.toThrow(`No verity for layer ${sha256(bytes)}`);
    }));
});

describe('a single blob', () => {
  it('is stored once and read back', () =>
    withWorkspace(async ({ repository }) => {
      const first = await writeBlob(repository, bytes);
      expect(first.digest).toBe('sha256:b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9');
      const stream = await repository.openStream({ id: first.id }, { contentType: CONTENT_TYPE.blob });
      expect(stream).toMatchObject({ streamSize: bytes.length });
      expect(stream.objectRefs).toHaveLength(1);
      expect(await writeBlob(repository, bytes, first.digest)).toEqual(first);
      expect(await objectFiles(repository)).toHaveLength(2);
      expect(await collect(openBlob(repository, first.digest))).toEqual(bytes);
    }));

  it('may be called by another algorithm', () =>
    withWorkspace(async ({ repository }) => {
      const { digest } = await writeBlob(repository, bytes, sha512(bytes));
      expect(await collect(openBlob(repository, digest))).toEqual(bytes);
    }));

  it('with another digest is refused', () =>
    withWorkspace(async ({ repository }) => {
      const wrong = sha256(new Uint8Array(1));
      await expect(writeBlob(repository, bytes, wrong)).rejects.toThrow(`Blob integrity failed: expected ${wrong}, got ${sha256(bytes)}`);
      expect(await names(repository)).toEqual([]);
      await expect(collect(openBlob(repository, wrong))).rejects.toThrow(`Blob ${wrong} not found`);
    }));

  it('that was replaced is noticed while it is read', () =>
    withWorkspace(async ({ repository }) => {
      const { digest } = await writeBlob(repository, bytes);
      const other = await writeBlob(repository, new Uint8Array(bytes.length));
      await repository.registerStream(`oci-blob-${digest}`, other.id);
      await expect(collect(openBlob(repository, digest))).rejects.toMatchObject({ code: 'INTEGRITY', context: { expected: digest } });
    }));

  it('is kept by nothing', () =>
    withWorkspace(async ({ repository }) => {
      await writeBlob(repository, bytes);
      expect((await repository.gc()).objectsRemoved).toBe(2);
    }));
});

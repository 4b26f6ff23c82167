import { image, imageConfig, tar, tarLayer } from '@cfskit/fixtures';
import { CONTENT_TYPE } from '@cfskit/splitstream';
import { describe, expect, it } from 'vitest';
import { inspectImage, openImage, resolveLayer, resolveStoredReference } from '../src/index.ts';
import { pull, withWorkspace } from './workspace.ts';

const layer = tarLayer(tar([{ path: 'a' }]));
const pulled = image({ layers: [layer] });
const { digest } = pulled.descriptor;
const configDigest = pulled.blobs.at(1)!.descriptor.digest;
const prefix = (text: string): string => text.slice(0, 'sha256:'.length + 12);
const bare = (text: string): string => text.slice('sha256:'.length, 'sha256:'.length + 14);

describe('the name of a stored image', () => {
  it.each([
    ['a tag', 'demo', { kind: 'tag', tag: 'demo', manifestDigest: digest }],
    ['a digest', digest, { kind: 'manifest', manifestDigest: digest }],
    ['a digest with @', `@${digest}`, { kind: 'manifest', manifestDigest: digest }],
    ['the digest of a config', configDigest, { kind: 'config', configDigest }],
    ['the beginning of a digest', prefix(digest), { kind: 'manifest', manifestDigest: digest }],
    ['the same with @', `@${prefix(digest)}`, { kind: 'manifest', manifestDigest: digest }],
    ['the same without algorithm', bare(digest), { kind: 'manifest', manifestDigest: digest }],
    ['the beginning of a config', prefix(configDigest), { kind: 'config', configDigest }],
  ])('may be %s', (_, text, expected) =>
    withWorkspace(async ({ repository, layout }) => {
      await pull(repository, await layout([{ image: pulled }]), { name: 'demo' });
      expect(resolveStoredReference(repository, text)).toEqual(expected);
      expect((await openImage(repository, text)).manifestDigest).toBe(digest);
    }),
  );

  it('a tag comes before the digest that begins like it', () =>
    withWorkspace(async ({ repository, layout }) => {
      await pull(repository, await layout([{ image: pulled }]), { name: 'demo' });
      const other = await pull(repository, await layout([{ image: image() }], 'other'), { name: bare(digest) });
      expect(resolveStoredReference(repository, bare(digest))).toMatchObject({ kind: 'tag', manifestDigest: other.manifestDigest });
    }));

  it('that fits several digests is refused with a list of at most ten', () =>
    withWorkspace(async ({ repository }) => {
      const digests = Array.from({ length: 12 }, (_, i) => `sha256:${'ab'.repeat(10)}${i.toString(16).padStart(44, '0')}`);
      for (const one of digests) {
        const writer = repository.createStreamWriter(CONTENT_TYPE.manifest);
        await repository.writeStream(writer, `oci-manifest-${one}`);
      }
      expect(() => resolveStoredReference(repository, `@${'ab'.repeat(6)}`)).toThrow(
        expect.objectContaining({ code: 'AMBIGUOUS', context: { candidates: digests.slice(0, 10) } }),
      );
    }));

  it('that is unknown is an error with near names', () =>
    withWorkspace(async ({ repository, layout }) => {
      await pull(repository, await layout([{ image: pulled }]), { name: 'debian:bookworm' });
      expect(() => resolveStoredReference(repository, 'debian:bookwrom')).toThrow(
        /OCI reference not found: debian:bookwrom; did you mean debian:bookworm\?/,
      );
      expect(() => resolveStoredReference(repository, 'xyz')).toThrow(
        expect.objectContaining({ code: 'NOT_FOUND', context: { candidates: [] } }),
      );
      expect(() => resolveStoredReference(repository, '9f2c00')).toThrow(
        'OCI reference not found: 9f2c00 (the beginning of a digest needs at least 12 hex digits)',
      );
      expect(() => resolveStoredReference(repository, `sha256:${'0'.repeat(64)}`)).toThrow(/OCI image not found: sha256:0/);
      expect(() => resolveStoredReference(repository, '@nonsense')).toThrow(/Invalid OCI digest after '@'/);
    }));

  it('of a layer is its diff_id, or the beginning of it', () =>
    withWorkspace(async ({ repository, layout }) => {
      await pull(repository, await layout([{ image: pulled }]));
      for (const text of [layer.diffId, `@${layer.diffId}`, prefix(layer.diffId), bare(layer.diffId)]) {
        expect(resolveLayer(repository, text)).toBe(layer.diffId);
      }
      expect(() => resolveLayer(repository, digest)).toThrow(`Layer ${digest} not found`);
      expect(() => resolveLayer(repository, 'nonsense')).toThrow('Layer nonsense not found');
    }));
});

describe('inspecting', () => {
  it('gives both documents byte for byte, and what the name was', () =>
    withWorkspace(async ({ repository, layout }) => {
      const config = imageConfig({ diffIds: [layer.diffId], extra: { author: 'ä' } });
      const indented = image({ layers: [layer], config });
      await pull(repository, await layout([{ image: indented }]), { name: 'demo' });
      const inspection = await inspectImage(repository, 'demo');
      expect(inspection).toEqual({
        resolved: { kind: 'tag', tag: 'demo', manifestDigest: indented.descriptor.digest },
        manifestDigest: indented.descriptor.digest,
        configDigest: config.descriptor.digest,
        manifest: new TextDecoder().decode(indented.bytes),
        config: new TextDecoder().decode(config.bytes),
        referrers: [],
        composefsErofs: undefined,
        composefsBootErofs: undefined,
      });
    }));

  it('finds the images that somebody linked, by the format of the repository', () =>
    withWorkspace(async ({ repository, layout }) => {
      const result = await pull(repository, await layout([{ image: pulled }]), { name: 'demo' });
      const refs = {
        'composefs.image': '11'.repeat(32),
        'composefs.image.v1': '22'.repeat(32),
        'composefs.image.boot.v1': '33'.repeat(32),
      };
      const writer = repository.createStreamWriter(CONTENT_TYPE.config);
      for (const [name, id] of Object.entries(refs)) writer.namedRef(name, id);
      const raw = pulled.blobs.at(1)!.bytes;
      writer.external(repository.objects.putSync(raw).id, raw.byteLength);
      const { id } = await repository.writeStream(writer, `oci-config-${configDigest}`);
      const manifest = repository.createStreamWriter(CONTENT_TYPE.manifest);
      manifest.namedRef(`config:${configDigest}`, id);
      manifest.external(repository.objects.putSync(pulled.bytes).id, pulled.bytes.byteLength);
      await repository.writeStream(manifest, `oci-manifest-${result.manifestDigest}`);
      expect(await inspectImage(repository, 'demo')).toMatchObject({
        composefsErofs: '22'.repeat(32),
        composefsBootErofs: '33'.repeat(32),
      });
    }));

  it('a manifest that does not name its config is an error', () =>
    withWorkspace(async ({ repository }) => {
      const writer = repository.createStreamWriter(CONTENT_TYPE.manifest);
      writer.external(repository.objects.putSync(pulled.bytes).id, pulled.bytes.byteLength);
      await repository.writeStream(writer, `oci-manifest-${digest}`);
      await expect(openImage(repository, digest)).rejects.toThrow('Manifest missing config reference');
    }));

  it('a stored manifest that is another one is an error with both digests', () =>
    withWorkspace(async ({ repository }) => {
      const writer = repository.createStreamWriter(CONTENT_TYPE.manifest);
      const raw = pulled.blobs.at(1)!.bytes;
      writer.external(repository.objects.putSync(raw).id, raw.byteLength);
      await repository.writeStream(writer, `oci-manifest-${digest}`);
      await expect(openImage(repository, digest)).rejects.toThrow(`Manifest integrity failed: expected ${digest}, got ${configDigest}`);
    }));

  it('a stream that is no document is an error', () =>
    withWorkspace(async ({ repository }) => {
      const writer = repository.createStreamWriter(CONTENT_TYPE.manifest);
      writer.inline(pulled.bytes);
      await repository.writeStream(writer, `oci-manifest-${digest}`);
      await expect(openImage(repository, digest)).rejects.toThrow('Expected exactly 1 external object in splitstream, got 0');
    }));
});

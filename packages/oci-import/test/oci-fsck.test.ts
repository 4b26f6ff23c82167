import { artifact, image, imageConfig, jsonBlob, tar, tarLayer, toBlob } from '@cfskit/fixtures';
import type { Repository } from '@cfskit/repository';
import { CONTENT_TYPE } from '@cfskit/splitstream';
import { chmod, rm, symlink, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { formatOciFsckReport, isOciFsckOk, ociFsck, ociFsckJson, openImage } from '../src/index.ts';
import type { OciFsckReport, StoredImage } from '../src/index.ts';
import { pull, withWorkspace } from './workspace.ts';

const layer = tarLayer(tar([{ path: 'a', content: new Uint8Array(100) }]));
const pulled = image({ layers: [layer] });
const wasm = artifact({ artifactType: 'application/vnd.wasm', layers: [toBlob(new Uint8Array(9), 'application/wasm')] });
const wasmLayer = wasm.blobs.at(2)!.descriptor.digest;

interface Stored {
  readonly repository: Repository;
  readonly demo: StoredImage;
  readonly art: StoredImage;
}

/** An image and an artifact, damaged, and what the check says of them. */
function check(damage: (stored: Stored) => Promise<unknown>, reference?: string): Promise<OciFsckReport> {
  return withWorkspace(async ({ repository, layout }) => {
    const source = await layout([
      { image: pulled, tag: 'demo', platform: { architecture: 'amd64', os: 'linux' } },
      { image: wasm, tag: 'art' },
    ]);
    await pull(repository, source, { tag: 'demo', name: 'demo' });
    await pull(repository, source, { tag: 'art', name: 'art' });
    await damage({ repository, demo: await openImage(repository, 'demo'), art: await openImage(repository, 'art') });
    repository.objects.forget();
    return ociFsck(repository, reference === undefined ? {} : { reference });
  });
}

async function overwrite(repository: Repository, id: string, text: string): Promise<void> {
  await chmod(repository.objects.pathOf(id), 0o644);
  await writeFile(repository.objects.pathOf(id), text);
}

/** Writes a document again under its name, with these references. */
async function rewrite(
  repository: Repository,
  contentId: string,
  type: bigint,
  raw: Uint8Array,
  refs: Iterable<readonly [string, string]>,
): Promise<string> {
  const writer = repository.createStreamWriter(type);
  for (const [name, id] of refs) writer.namedRef(name, id);
  writer.external(repository.objects.putSync(raw).id, raw.byteLength);
  return (await repository.writeStream(writer, contentId)).id;
}

async function objectOf(repository: Repository, contentId: string): Promise<string> {
  return (await repository.openStream(contentId)).objectRefs.at(0)!;
}

async function replaceConfig({ repository, demo }: Stored, raw: Uint8Array, refs: Iterable<readonly [string, string]>): Promise<void> {
  const config = await rewrite(repository, `oci-config-${demo.configDigest}`, CONTENT_TYPE.config, raw, refs);
  const manifestRefs = [[`config:${demo.configDigest}`, config] as const];
  await rewrite(repository, `oci-manifest-${demo.manifestDigest}`, CONTENT_TYPE.manifest, demo.manifestRaw, manifestRefs);
}

const stream = (repository: Repository, contentId: string): string => join(repository.path, 'streams', contentId);

const unnameLayer = ({ repository }: Stored): Promise<void> => unlink(stream(repository, `oci-layer-${layer.diffId}`));

const damages: readonly [string, string, (stored: Stored) => Promise<unknown>, object?][] = [
  ['manifest-read-failed', 'demo', ({ repository, demo }) => overwrite(repository, demo.manifestVerity, 'junk')],
  ['manifest-read-failed', 'demo', ({ repository, demo }) => unlink(stream(repository, `oci-manifest-${demo.manifestDigest}`))],
  [
    'manifest-digest-mismatch',
    'demo',
    async ({ repository, demo }) => overwrite(repository, await objectOf(repository, `oci-manifest-${demo.manifestDigest}`), 'junk'),
    { expected: pulled.descriptor.digest },
  ],
  [
    'config-ref-missing',
    'demo',
    ({ repository, demo }) => rewrite(repository, `oci-manifest-${demo.manifestDigest}`, CONTENT_TYPE.manifest, demo.manifestRaw, []),
  ],
  ['config-read-failed', 'demo', ({ repository, demo }) => rm(repository.objects.pathOf(demo.configVerity))],
  [
    'config-digest-mismatch',
    'demo',
    async ({ repository, demo }) => overwrite(repository, await objectOf(repository, `oci-config-${demo.configDigest}`), '{}'),
  ],
  ['layer-ref-missing', 'demo', (stored) => replaceConfig(stored, stored.demo.configRaw, []), { detail: layer.diffId }],
  ['layer-stream-missing', 'demo', unnameLayer, { detail: layer.diffId }],
  ['layer-object-missing', 'demo', ({ repository, demo }) => rm(repository.objects.pathOf(demo.layers.at(0)!.verity!))],
  [
    'artifact-layer-ref-missing',
    'art',
    ({ repository, art }) =>
      rewrite(repository, `oci-manifest-${art.manifestDigest}`, CONTENT_TYPE.manifest, art.manifestRaw, [
        [`config:${art.configDigest}`, art.configVerity],
      ]),
    { detail: wasmLayer },
  ],
  ['artifact-layer-object-missing', 'art', ({ repository, art }) => rm(repository.objects.pathOf(art.layers.at(0)!.verity!))],
  [
    'invalid-ref-name',
    '@badref',
    ({ repository, demo }) => symlink(`../../oci-manifest-${demo.manifestDigest}`, join(repository.path, 'streams/refs/oci/@badref')),
  ],
];

describe('the check of images', () => {
  it('finds nothing wrong with what was pulled', async () => {
    const report = await check(async () => undefined);
    expect(report).toMatchObject({ imagesChecked: 2, imagesCorrupted: 0, findings: [] });
    expect(isOciFsckOk(report)).toBe(true);
    expect(formatOciFsckReport(report)).toMatch(/status: ok\noci images: 2\/2 ok\n$/);
    expect(ociFsckJson(report)).toMatchObject({ ok: true, images_checked: 2, images_corrupted: 0, errors: [], repo: { ok: true } });
  });

  it.each(damages)('%s: %s', async (type, name, damage, more) => {
    const report = await check(damage);
    expect(report.findings).toEqual([expect.objectContaining({ type, name, ...more })]);
    expect(report).toMatchObject({ imagesChecked: name === '@badref' ? 3 : 2, imagesCorrupted: 1 });
    expect(isOciFsckOk(report)).toBe(false);
    const text = `fsck: ${type}: ${name}: `;
    expect(ociFsckJson(report).errors).toEqual([expect.stringContaining(text)]);
    expect(formatOciFsckReport(report)).toContain(`oci errors: 1\n  - ${text}`);
  });

  it('compares both digests in words', async () => {
    const report = await check(async ({ repository, demo }) =>
      overwrite(repository, await objectOf(repository, `oci-manifest-${demo.manifestDigest}`), 'junk'),
    );
    expect(ociFsckJson(report).errors[0]).toMatch(
      /^fsck: manifest-digest-mismatch: demo: expected sha256:[0-9a-f]{64}, got sha256:[0-9a-f]{64}$/,
    );
  });

  it.each([
    ['config', 'config-parse-failed'],
    ['manifest', 'manifest-parse-failed'],
  ] as const)('a %s that is no JSON', (what, type) =>
    withWorkspace(async ({ repository }) => {
      const nonsense = new TextEncoder().encode('{');
      const config = what === 'config' ? toBlob(nonsense, 'application/vnd.oci.image.config.v1+json') : imageConfig();
      const made = image({ config });
      const manifest = what === 'manifest' ? toBlob(nonsense, 'x') : made;
      const id = await rewrite(repository, `oci-config-${config.descriptor.digest}`, CONTENT_TYPE.config, config.bytes, []);
      const refs = [[`config:${config.descriptor.digest}`, id] as const];
      await rewrite(repository, `oci-manifest-${manifest.descriptor.digest}`, CONTENT_TYPE.manifest, manifest.bytes, refs);
      await repository.nameStream(`oci-manifest-${manifest.descriptor.digest}`, 'oci/demo');
      expect((await ociFsck(repository)).findings).toMatchObject([{ type, name: 'demo' }]);
    }),
  );

  it('follows the seal of composefs-oci 0.3', () =>
    withWorkspace(async ({ repository, layout }) => {
      const label = { config: { Labels: { 'containers.composefs.fsverity': 'ab'.repeat(32) } } };
      const config = imageConfig({ diffIds: [layer.diffId], extra: label });
      await pull(repository, await layout([{ image: image({ layers: [layer], config }) }]), { name: 'sealed' });
      expect((await ociFsck(repository)).findings).toMatchObject([{ type: 'seal-image-missing', detail: 'ab'.repeat(32) }]);
    }));

  it.each([
    ['object', (repository: Repository, id: string) => rm(repository.objects.pathOf(id))],
    ['name', (repository: Repository, id: string) => unlink(join(repository.path, 'images', id))],
  ])('finds that the %s of a linked EROFS image is gone', (_, damage) =>
    withWorkspace(async ({ repository, layout }) => {
      const usr = tarLayer(tar([{ path: 'usr/', type: 'dir' }]));
      const { imageId } = await pull(repository, await layout([{ image: image({ layers: [usr] }) }]), { name: 'demo', image: true });
      expect((await ociFsck(repository)).findings).toEqual([]);
      await damage(repository, imageId!);
      repository.objects.forget();
      const detail = expect.stringMatching(`^composefs.image.v1: no .*${imageId!}$`) as string;
      expect((await ociFsck(repository)).findings).toEqual([{ type: 'erofs-image-missing', name: 'demo', detail }]);
    }),
  );

  it('of one image looks at that alone', async () => {
    expect(await check(unnameLayer, 'art')).toMatchObject({ imagesChecked: 1, imagesCorrupted: 0, findings: [] });
    expect(await check(unnameLayer, 'demo')).toMatchObject({ imagesChecked: 1, imagesCorrupted: 1 });
    expect(await check(unnameLayer, pulled.descriptor.digest)).toMatchObject({ imagesChecked: 1, imagesCorrupted: 1 });
  });

  it('of a name that does not resolve is one image, corrupted', async () => {
    const report = await check(async () => undefined, 'nobody');
    expect(report).toMatchObject({ imagesChecked: 1, imagesCorrupted: 1, findings: [{ type: 'ref-resolve-failed', name: 'nobody' }] });
  });

  it('a layer named by something that is no digest', () =>
    withWorkspace(async ({ repository }) => {
      const body = { architecture: 'amd64', os: 'linux', rootfs: { type: 'layers', diff_ids: ['nonsense'] } };
      const config = jsonBlob(body, 'application/vnd.oci.image.config.v1+json');
      const made = image({ config });
      const id = await rewrite(repository, `oci-config-${config.descriptor.digest}`, CONTENT_TYPE.config, config.bytes, [
        ['nonsense', 'ab'.repeat(32)],
      ]);
      await rewrite(repository, `oci-manifest-${made.descriptor.digest}`, CONTENT_TYPE.manifest, made.bytes, [
        [`config:${config.descriptor.digest}`, id],
      ]);
      await repository.nameStream(`oci-manifest-${made.descriptor.digest}`, 'oci/demo');
      expect((await ociFsck(repository)).findings).toMatchObject([{ type: 'layer-check-failed', name: 'demo' }]);
    }));
});

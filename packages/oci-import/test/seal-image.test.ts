import { artifact, image, imageConfig, tar, tarLayer } from '@cfskit/fixtures';
import type { Packaged } from '@cfskit/fixtures';
import { fsVerityDigest } from '@cfskit/fs-verity';
import type { Algorithm } from '@cfskit/fs-verity';
import { initRepository } from '@cfskit/repository';
import type { Repository } from '@cfskit/repository';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  collectGarbage,
  isOciFsckOk,
  isSealIntact,
  listReferrers,
  listTags,
  ociFsck,
  openImage,
  sealImage,
  verifySeal,
} from '../src/index.ts';
import type { SealOptions, SealReport } from '../src/index.ts';
import { container, pullImage } from './pull-image.ts';
import { pull, withWorkspace } from './workspace.ts';
import type { Workspace } from './workspace.ts';

const packaged = container();
const base = tarLayer(tar([{ path: 'usr/', type: 'dir' }]));

/** Ids that an image has in repositories of other algorithms and formats, by pulls into such ones. */
function idsElsewhere(of: Packaged): Promise<Readonly<Record<string, string>>> {
  return withWorkspace(async ({ directory, layout }) => {
    const ids: Record<string, string> = {};
    const source = await layout([{ image: of }]);
    for (const algorithm of ['sha256', 'sha512'] as const) {
      for (const format of [0, 1, 2] as const) {
        const erofsFormats = { default: format, extra: [] };
        const other = await initRepository(join(directory, `${algorithm}-${format}`), { algorithm, insecure: true, erofsFormats });
        ids[`${algorithm} ${format}`] = (await pullImage(other, source, { name: 'x' })).imageId!;
        await other.close();
      }
    }
    return ids;
  });
}

const ids = await idsElsewhere(packaged);

async function sealed(workspace: Workspace, options: SealOptions, of: Packaged = packaged): ReturnType<typeof sealImage> {
  await pullImage(workspace.repository, await workspace.layout([{ image: of }]), { name: 'demo' });
  return sealImage(workspace.repository, 'demo', options);
}

const verityOf = (raw: Uint8Array, algorithm: Algorithm = 'sha256'): string => fsVerityDigest(raw, algorithm);

async function expectSound(repository: Repository): Promise<void> {
  expect(isOciFsckOk(await ociFsck(repository))).toBe(true);
}

describe('sealing with annotations', () => {
  it('states config and image in a new manifest, and leaves the old one', () =>
    withWorkspace(async (workspace) => {
      const { repository } = workspace;
      const result = await sealed(workspace, { tag: 'sealed' });
      const [demo, seal] = [await openImage(repository, 'demo'), await openImage(repository, 'sealed')];
      const config = { role: 'config', key: 'composefs.config.fsverity-sha256-12', digest: verityOf(demo.configRaw) };
      const merged = { role: 'merged', key: 'composefs.merged.erofs.v1.fsverity-sha256-12', digest: ids['sha256 1'] };
      expect(result).toEqual({
        manifestDigest: seal.manifestDigest,
        sourceManifestDigest: packaged.descriptor.digest,
        mode: 'annotations',
        imageId: ids['sha256 1'],
        digests: [config, merged],
      });
      const document = JSON.parse(new TextDecoder().decode(packaged.bytes)) as { config: object };
      const descriptor = { ...document.config, annotations: { [config.key]: config.digest } };
      const expected = { ...document, config: descriptor, annotations: { [merged.key]: merged.digest } };
      expect(new TextDecoder().decode(seal.manifestRaw)).toBe(JSON.stringify(expected));
      expect([seal.configDigest, seal.configVerity]).toEqual([demo.configDigest, demo.configVerity]);
      expect(demo.manifestDigest).toBe(packaged.descriptor.digest);
      expect(await collectGarbage(repository)).toMatchObject({ objectsRemoved: 0 });
      await expectSound(repository);
    }));

  it('states other formats and algorithms, as images have them there', () =>
    withWorkspace(async (workspace) => {
      const { digests } = await sealed(workspace, { tag: 'sealed', formats: [2, 1], algorithms: ['sha512', 'sha256'] });
      const { configRaw } = await openImage(workspace.repository, 'demo');
      expect(digests.map(({ key, digest }) => [key, digest])).toEqual([
        ['composefs.config.fsverity-sha512-12', verityOf(configRaw, 'sha512')],
        ['composefs.config.fsverity-sha256-12', verityOf(configRaw, 'sha256')],
        ['composefs.merged.erofs.v2.fsverity-sha512-12', ids['sha512 2']],
        ['composefs.merged.erofs.v1.fsverity-sha512-12', ids['sha512 1']],
        ['composefs.merged.erofs.v2.fsverity-sha256-12', ids['sha256 2']],
        ['composefs.merged.erofs.v1.fsverity-sha256-12', ids['sha256 1']],
      ]);
      expect(isSealIntact(await verifySeal(workspace.repository, 'sealed'))).toBe(true);
    }));

  it('twice gives the same manifest', () =>
    withWorkspace(async (workspace) => {
      const { manifestDigest } = await sealed(workspace, { tag: 'sealed' });
      expect(await sealImage(workspace.repository, 'sealed', { tag: 'again' })).toMatchObject({ manifestDigest });
    }));
});

describe('sealing with a label', () => {
  it('states the image in a new config, which keeps layers and images', () =>
    withWorkspace(async (workspace) => {
      const { repository } = workspace;
      const result = await sealed(workspace, { mode: 'label', tag: 'sealed' });
      const [demo, seal] = [await openImage(repository, 'demo'), await openImage(repository, 'sealed')];
      expect(seal.config?.config?.Labels).toEqual({ 'containers.composefs.fsverity': result.imageId });
      expect(result.digests).toEqual([{ role: 'merged', key: 'containers.composefs.fsverity', digest: result.imageId }]);
      expect(seal.configRefs).toEqual(demo.configRefs);
      expect(seal.configRefs.get('composefs.image.v1')).toBe(result.imageId);
      const document = JSON.parse(new TextDecoder().decode(packaged.bytes)) as { config: object };
      const config = { ...document.config, digest: seal.configDigest, size: seal.configRaw.byteLength };
      expect(new TextDecoder().decode(seal.manifestRaw)).toBe(JSON.stringify({ ...document, config }));
      await expectSound(repository);
      expect(isSealIntact(await verifySeal(repository, 'sealed'))).toBe(true);
    }));

  it('states another format when told, whose image is linked, too', () =>
    withWorkspace(async (workspace) => {
      const { repository } = workspace;
      const result = await sealed(workspace, { mode: 'label', tag: 'sealed', formats: [2] });
      const { configRefs } = await openImage(repository, 'sealed');
      expect(configRefs.get('composefs.image')).toBe(result.imageId);
      expect(configRefs.get('composefs.image.v1')).toBe((await openImage(repository, 'demo')).configRefs.get('composefs.image.v1'));
      await expectSound(repository);
      expect((await verifySeal(repository, 'sealed')).statements).toEqual([
        expect.objectContaining({ status: 'ok', detail: 'format 2, allowlist-only' }),
      ]);
    }));

  it('for another algorithm warns that this repository has no such image', () =>
    withWorkspace(async (workspace) => {
      const warnings: string[] = [];
      const options: SealOptions = { mode: 'label', tag: 'sealed', algorithms: ['sha512'], onWarning: (text) => warnings.push(text) };
      const { imageId } = await sealed(workspace, options);
      expect(imageId).toBe(ids['sha512 1']);
      expect(warnings).toEqual([expect.stringContaining('sha256')]);
      expect(isSealIntact(await verifySeal(workspace.repository, 'sealed'))).toBe(true);
    }));

  it('is refused where there is no place for it, or where a digest would become a lie', () =>
    withWorkspace(async (workspace) => {
      const { repository, layout } = workspace;
      const config = imageConfig({ diffIds: [base.diffId], extra: { config: null } });
      await pullImage(repository, await layout([{ image: image({ layers: [base], config }) }]), { name: 'bare' });
      await expect(sealImage(repository, 'bare', { mode: 'label', tag: 'x' })).rejects.toMatchObject({
        code: 'UNSEALABLE',
        message: expect.stringContaining('no config!'),
      });
      await sealed(workspace, { tag: 'annotated' });
      await expect(sealImage(repository, 'annotated', { mode: 'label', tag: 'x' })).rejects.toMatchObject({ code: 'UNSEALABLE' });
      expect(listTags(repository).map(({ name }) => name)).toEqual(['annotated', 'bare', 'demo']);
    }));
});

describe('sealing with an artifact', () => {
  it('leaves the image alone and belongs to it', () =>
    withWorkspace(async (workspace) => {
      const { repository } = workspace;
      const result = await sealed(workspace, { mode: 'artifact', formats: [1, 2] });
      const demo = await openImage(repository, 'demo');
      expect(demo.manifestDigest).toBe(packaged.descriptor.digest);
      expect(listReferrers(repository, demo.manifestDigest)).toEqual([result.manifestDigest]);
      const empty = {
        mediaType: 'application/vnd.oci.empty.v1+json',
        digest: 'sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a',
        size: 2,
      };
      const stated = [
        ['composefs.manifest.fsverity-sha256-12', verityOf(packaged.bytes)],
        ['composefs.config.fsverity-sha256-12', verityOf(demo.configRaw)],
        ['composefs.merged.erofs.v1.fsverity-sha256-12', ids['sha256 1']],
        ['composefs.merged.erofs.v2.fsverity-sha256-12', ids['sha256 2']],
      ] as const;
      const { manifestRaw } = await openImage(repository, result.manifestDigest);
      expect(JSON.parse(new TextDecoder().decode(manifestRaw))).toEqual({
        schemaVersion: 2,
        mediaType: 'application/vnd.oci.image.manifest.v1+json',
        artifactType: 'application/vnd.composefs.metadata.v1',
        config: empty,
        layers: stated.map(([key, digest]) => ({ ...empty, annotations: { [key]: digest } })),
        subject: packaged.descriptor,
      });
      expect(result.digests.map(({ key, digest }) => [key, digest])).toEqual(stated);
      expect(await collectGarbage(repository)).toMatchObject({ objectsRemoved: 0 });
      const report = await verifySeal(repository, 'demo');
      expect(report.statements.map(({ place, status }) => [place, status])).toEqual(stated.map(() => [result.manifestDigest, 'ok']));
      await expectSound(repository);
    }));
});

describe('what cannot be sealed', () => {
  it.each<[string, SealOptions]>([
    ['two formats in a label', { mode: 'label', formats: [1, 2] }],
    ['two algorithms in a label', { mode: 'label', algorithms: ['sha256', 'sha512'] }],
    ['two algorithms in an artifact', { mode: 'artifact', algorithms: ['sha256', 'sha512'] }],
    ['format 0 in annotations', { formats: [0] }],
    ['format 0 in an artifact', { mode: 'artifact', formats: [0] }],
    ['nothing', { formats: [] }],
  ])('%s', (_, options) =>
    withWorkspace(async (workspace) => {
      await expect(sealed(workspace, { ...options, tag: 'sealed' })).rejects.toThrow(RangeError);
    }),
  );

  it('an artifact, and what is not there', () =>
    withWorkspace(async ({ repository, layout }) => {
      const source = await layout([{ image: artifact({ artifactType: 'application/x-note' }), tag: 'note' }]);
      await pull(repository, source, { tag: 'note', name: 'note' });
      await expect(sealImage(repository, 'note')).rejects.toMatchObject({ code: 'NOT_A_CONTAINER' });
      await expect(verifySeal(repository, 'note')).rejects.toMatchObject({ code: 'NOT_A_CONTAINER' });
      await expect(sealImage(repository, 'nothing')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    }));
});

/** What is said of an image with these annotations and labels. */
function verifyStating(annotations: Readonly<Record<string, string>>, labels?: Readonly<Record<string, string>>): Promise<SealReport> {
  return withWorkspace(async ({ repository, layout }) => {
    const extra = labels === undefined ? {} : { config: { Labels: labels } };
    const config = imageConfig({ diffIds: [base.diffId], extra });
    const stating = image({ layers: [base], config, extra: { annotations } });
    await pullImage(repository, await layout([{ image: stating }]), { name: 'demo' });
    return verifySeal(repository, 'demo');
  });
}

describe('verifying a seal', () => {
  const digest = '0'.repeat(64);

  it('compares', async () => {
    const report = await verifyStating({
      'composefs.merged.erofs.v1.fsverity-sha256-12': digest,
      'composefs.config.fsverity-sha512-12': digest,
    });
    expect(report.statements).toEqual([
      {
        place: 'manifest',
        key: 'composefs.merged.erofs.v1.fsverity-sha256-12',
        wanted: digest,
        found: expect.stringMatching(/^[0-9a-f]{64}$/),
        status: 'mismatch',
      },
      {
        place: 'manifest',
        key: 'composefs.config.fsverity-sha512-12',
        wanted: digest,
        found: expect.stringMatching(/^[0-9a-f]{128}$/),
        status: 'mismatch',
      },
    ]);
    expect(isSealIntact(report)).toBe(false);
  });

  it('never trusts what it cannot compute', async () => {
    const report = await verifyStating({
      'composefs.new-thing': digest,
      'composefs.config.fsverity-sha256-12.sig': 'MIIB',
      'composefs.config.fsverity-sha256-16': digest,
      'composefs.merged.bootable.erofs.v1.fsverity-sha256-12': digest,
      'composefs.merged.erofs.v7.fsverity-sha256-12': digest,
      'composefs.manifest.fsverity-sha256-12': digest,
      'org.example.other': 'no statement',
    });
    expect(report.statements.map(({ status, found }) => [status, found])).toEqual(Array.from({ length: 6 }, () => ['unknown', undefined]));
    expect(report.statements.every(({ detail }) => detail !== undefined)).toBe(true);
    expect(isSealIntact(report)).toBe(false);
  });

  it('finds the way in which a labelled image was made', async () => {
    const of = image({ layers: [base] });
    const made = await idsElsewhere(of);
    for (const [how, id] of Object.entries(made)) {
      const report = await verifyStating({}, { 'containers.composefs.fsverity': id });
      expect(report.statements).toMatchObject([
        { place: 'config', wanted: id, found: id, status: 'ok', detail: expect.stringContaining(`format ${how.at(-1)}`) },
      ]);
    }
    const wrong = await verifyStating({}, { 'containers.composefs.fsverity': 'no id' });
    expect(wrong.statements).toMatchObject([{ status: 'mismatch', found: made['sha256 1'] }]);
  });

  it('says that an image states nothing', async () => {
    await expect(verifyStating({ 'org.example.other': 'x' })).rejects.toMatchObject({ code: 'NOT_SEALED' });
  });
});

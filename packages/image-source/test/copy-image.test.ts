import {
  artifact,
  dirFiles,
  dockerSaveEntries,
  image,
  imageIndex,
  layoutFiles,
  tar,
  tarLayer,
  withTempDir,
  writeLayout,
  type Packaged,
} from '@cfskit/fixtures';
import { digestOf, mediaTypes, openVerified, parseIndex, parseManifest, readBlob, type Descriptor } from '@cfskit/oci-spec';
import { openOciDir } from '@cfskit/ocidir';
import { collectingReporter } from '@cfskit/progress';
import { startTestRegistry, type TestRegistry } from '@cfskit/registry/testing';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { copyImage, copyReference, openImageDestination, openImageSource, type RootedImageSource } from '../src/index.ts';
import { fakeClient } from './fake-client.ts';
import { AMD64, amd64, ARM64, arm64, bytesOf, failure, index, layerA, layerB, stock, writeArchive } from './images.ts';

interface World {
  readonly registry: TestRegistry;
  readonly directory: string;
  /** References to the same index. */
  readonly sources: Readonly<Record<string, string>>;
  /** References to places that are empty. */
  readonly destinations: Readonly<Record<string, string>>;
}

async function withWorld(work: (world: World) => Promise<void>): Promise<void> {
  await using registry = await startTestRegistry();
  stock(registry.repository('source/app'), index, 'v1');
  await withTempDir(async (directory) => {
    await writeLayout(`${directory}/layout`, layoutFiles([{ image: index, tag: 'v1' }]));
    await writeArchive(`${directory}/a.tar`, [{ image: index, tag: 'reg.io/app:v1' }]);
    await mkdir(`${directory}/dir`);
    for (const [name, bytes] of Object.entries(dirFiles(index))) await writeFile(`${directory}/dir/${name}`, bytes);
    await work({
      registry,
      directory,
      sources: {
        docker: `docker://${registry.registry}/source/app:v1`,
        oci: `oci:${directory}/layout:v1`,
        'oci-archive': `oci-archive:${directory}/a.tar:reg.io/app:v1`,
        dir: `dir:${directory}/dir`,
      },
      destinations: {
        docker: `docker://${registry.registry}/copy/app:v2`,
        oci: `oci:${directory}/out/layout:v2`,
        'oci-archive': `oci-archive:${directory}/out.tar:team/app:v2`,
        dir: `dir:${directory}/out-dir`,
      },
    });
  });
}

/** Every digest below what a reference names, after its bytes have been read and checked. */
async function digestsBelow(reference: string): Promise<readonly string[]> {
  const source = await openImageSource(reference);
  try {
    const { descriptor, raw } = await source.resolveRoot();
    return [...new Set(await below(source, descriptor, raw))].toSorted();
  } finally {
    await source.close?.();
  }
}

async function below(source: RootedImageSource, { mediaType, digest }: Descriptor, raw: Uint8Array): Promise<string[]> {
  if (mediaType === mediaTypes.index) {
    const children = parseIndex(raw).manifests;
    const nested = await Promise.all(children.map(async (child) => await below(source, child, await readBlob(source, child))));
    return [digest, ...nested.flat()];
  }
  const { config, layers } = parseManifest(raw);
  const blobs = [config, ...layers];
  for (const blob of blobs) expect(digestOf(await bytesOf(openVerified(source, blob)))).toBe(blob.digest);
  return [digest, ...blobs.map((blob) => blob.digest)];
}

const digestsOf = (packaged: Packaged): readonly string[] =>
  [...new Set(packaged.blobs.map(({ descriptor }) => descriptor.digest))].toSorted();

/** Of configs and layers, each once. */
const blobBytes = [...new Map(index.blobs.map(({ descriptor }) => [descriptor.digest, descriptor])).values()]
  .filter(({ mediaType }) => !/manifest|index/.test(mediaType))
  .reduce((sum, { size }) => sum + size, 0);

const FORMS = ['docker', 'oci', 'oci-archive', 'dir'] as const;
const pairs = FORMS.flatMap((from) => FORMS.map((to) => [from, to] as const));

describe('a copy', () => {
  it.each(pairs)('of an index keeps all of its images and every byte: %s to %s', async (from, to) => {
    await withWorld(async ({ sources, destinations }) => {
      const result = await copyReference(sources[from] ?? '', destinations[to] ?? '');
      expect(result).toEqual({
        descriptor: index.descriptor,
        blobsCopied: from === 'docker' && to === 'docker' ? 0 : 5,
        blobsMounted: from === 'docker' && to === 'docker' ? 5 : 0,
        blobsPresent: 0,
        bytesCopied: from === 'docker' && to === 'docker' ? 0 : blobBytes,
      });
      expect(await digestsBelow(destinations[to] ?? '')).toEqual(digestsOf(index));
    });
  });

  it.each(FORMS)('for one platform takes that image alone: to %s', async (to) => {
    await withWorld(async ({ sources, destinations }) => {
      const { descriptor } = await copyReference(sources['oci'] ?? '', destinations[to] ?? '', { platform: ARM64 });
      expect(descriptor).toEqual(arm64.descriptor);
      expect(await digestsBelow(destinations[to] ?? '')).toEqual(digestsOf(arm64));
    });
  });

  it('of a docker-save archive has the manifest that belongs to it', async () => {
    const plain = image({ layers: [tarLayer(tar([{ path: 'a' }]), 'none')], platform: AMD64 });
    await withWorld(async ({ directory, destinations }) => {
      await writeFile(`${directory}/docker.tar`, tar(dockerSaveEntries([{ image: plain, names: ['x:1'] }], 'legacy')));
      const { descriptor } = await copyReference(`docker-archive:${directory}/docker.tar:x:1`, destinations['oci'] ?? '');
      expect(descriptor).toEqual(plain.descriptor);
      expect(await digestsBelow(destinations['oci'] ?? '')).toEqual(digestsOf(plain));
    });
  });

  it('of an artifact, and of manifests of Docker, keeps them as they are', async () => {
    const note = artifact({ artifactType: 'text/note' });
    const docker = image({ layers: [layerA], mediaType: mediaTypes.dockerManifest, platform: AMD64 });
    const list = imageIndex([{ image: docker, platform: AMD64 }], { mediaType: mediaTypes.dockerManifestList });
    await withTempDir(async (directory) => {
      await writeArchive(`${directory}/a.tar`, [
        { image: note, tag: 'note' },
        { image: list, tag: 'list' },
      ]);
      for (const [tag, packaged] of Object.entries({ note, list })) {
        const result = await copyReference(`oci-archive:${directory}/a.tar:${tag}`, `oci:${directory}/layout:${tag}`);
        expect(result.descriptor).toEqual(packaged.descriptor);
      }
      expect(await (await openOciDir(`${directory}/layout`)).tags()).toEqual(['note', 'list']);
    });
  });

  it('leaves what is there, and says so', async () => {
    await withWorld(async ({ sources, destinations }) => {
      await copyReference(sources['oci'] ?? '', destinations['oci'] ?? '');
      const again = await copyReference(sources['dir'] ?? '', destinations['oci'] ?? '');
      expect(again).toMatchObject({ blobsCopied: 0, blobsPresent: 5, bytesCopied: 0 });
      await copyReference(sources['oci'] ?? '', destinations['docker'] ?? '');
      expect(await copyReference(sources['oci'] ?? '', destinations['docker'] ?? '')).toMatchObject({ blobsCopied: 0, blobsPresent: 5 });
    });
  });

  it('tells a plan, and of each blob', async () => {
    await withWorld(async ({ sources, destinations }) => {
      const reporter = collectingReporter();
      const { bytesCopied } = await copyReference(sources['oci'] ?? '', destinations['oci-archive'] ?? '', { reporter, jobs: 2 });
      expect(reporter.events.at(0)).toEqual({ type: 'plan', components: 5, bytesTotal: bytesCopied, bytesPresent: 0 });
      expect(reporter.events.filter(({ type }) => type === 'done')).toHaveLength(5);
    });
  });
});

describe('a copy that fails', () => {
  it.each([
    ['oci-archive', 'out.tar'],
    ['dir', 'out-dir'],
  ])('leaves nothing: %s', async (to, name) => {
    await withWorld(async ({ directory, registry, sources, destinations }) => {
      registry.repository('source/app').blobs.set(layerB.descriptor.digest, layerA.bytes);
      expect(await failure(copyReference(sources['docker'] ?? '', destinations[to] ?? ''))).toMatchObject({ name: 'VerifyError' });
      const left = await readdir(directory);
      expect(left).not.toContain(name);
      expect(left.filter((file) => file.startsWith('.tmp-'))).toEqual([]);
    });
  });

  it('enters nothing in a layout, and keeps complete blobs', async () => {
    await withWorld(async ({ directory, registry, sources, destinations }) => {
      registry.repository('source/app').blobs.delete(layerB.descriptor.digest);
      expect(await failure(copyReference(sources['docker'] ?? '', destinations['oci'] ?? '', { jobs: 1 }))).toMatchObject({
        code: 'BLOB_UNKNOWN',
      });
      const names = await readdir(`${directory}/out/layout`, { recursive: true });
      expect(names).not.toContain('index.json');
      expect(names).toContain(`blobs/sha256/${layerA.descriptor.digest.slice(7)}`);
    });
  });

  it.each(['docker-archive:x', 'containers-storage:x', 'docker-daemon:x:1'])('cannot be written: %s', async (reference) => {
    const error = await failure(copyReference('oci:/no/such', reference));
    expect(error).toMatchObject({ name: 'ImageSourceError', code: 'UNSUPPORTED_DESTINATION', reference });
  });

  it('is refused: no such source, an index that is nested too deep, one too many manifests', async () => {
    await withWorld(async ({ directory, destinations }) => {
      expect(await failure(copyReference('oci:/no/such', destinations['oci'] ?? ''))).toMatchObject({ code: 'NOT_A_LAYOUT' });
      let nested: Packaged = arm64;
      for (let i = 0; i < 7; i++) nested = imageIndex([{ image: nested }]);
      await writeArchive(`${directory}/deep.tar`, [{ image: nested, tag: 'x' }]);
      const error = await failure(copyReference(`oci-archive:${directory}/deep.tar:x`, destinations['oci'] ?? ''));
      expect(error).toMatchObject({ name: 'ImageSourceError', code: 'TOO_LARGE' });
      expect(await readdir(directory)).not.toContain('out');
    });
  });

  it('is refused: an index that announces more manifests than fit into memory', async () => {
    const huge = { mediaType: mediaTypes.manifest, digest: digestOf(new Uint8Array(1)), size: 3 * 2 ** 30 };
    const top = imageIndex([]);
    const bytes = new TextEncoder().encode(JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.index, manifests: [huge] }));
    const root = { descriptor: { ...top.descriptor, digest: digestOf(bytes), size: bytes.length }, raw: bytes };
    await withWorld(async ({ sources, destinations }) => {
      const source = await openImageSource(sources['oci'] ?? '');
      const destination = openImageDestination(destinations['oci-archive'] ?? '');
      expect(await failure(destination.write(source, root))).toMatchObject({ code: 'TOO_LARGE' });
      await destination.close();
    });
  });

  it('ends with the reason of a signal', async () => {
    await withWorld(async ({ sources, destinations, directory }) => {
      const signal = AbortSignal.abort(new Error('enough'));
      for (const to of ['oci', 'oci-archive', 'dir']) {
        expect(await failure(copyReference(sources['oci'] ?? '', destinations[to] ?? '', { signal }))).toBe(signal.reason);
      }
      expect((await readdir(directory)).filter((name) => name.startsWith('out') && name !== 'out')).toEqual([]);
    });
  });
});

describe('a copy of foreign layers', () => {
  const urls = ['https://example.com/layer'];
  const foreign = { ...layerB.descriptor, mediaType: mediaTypes.foreignLayerZstd, urls };
  const config = image({ layers: [layerA, layerB], platform: AMD64 }).blobs.at(1)!;
  const raw = new TextEncoder().encode(
    JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.manifest, config: config.descriptor, layers: [layerA.descriptor, foreign] }),
  );
  const manifest = { bytes: raw, descriptor: { mediaType: mediaTypes.manifest, digest: digestOf(raw), size: raw.length } };
  const packaged: Packaged = { ...manifest, blobs: [manifest, config, layerA] };

  it('leaves them where they are, unless they are asked for', async () => {
    await withTempDir(async (directory) => {
      await writeArchive(`${directory}/a.tar`, [{ image: packaged, tag: 'x' }]);
      const from = `oci-archive:${directory}/a.tar:x`;
      expect(await copyReference(from, `oci:${directory}/layout:x`)).toMatchObject({ blobsCopied: 2 });
      const client = fakeClient([], { 'example.com': { body: layerB.bytes } });
      const source = await openImageSource(from, { foreignLayers: true, client });
      const destination = openImageDestination(`oci-archive:${directory}/out.tar`);
      expect(await copyImage(source, destination, { foreignLayers: true })).toMatchObject({ blobsCopied: 3 });
      await source.close?.();
      const names = (await readFile(`${directory}/out.tar`)).toString('latin1');
      expect(names).toContain(layerB.descriptor.digest.slice(7));
    });
  });
});

async function credentials(): Promise<{ username: string; password: string }> {
  return await Promise.resolve({ username: 'me', password: 'secret' });
}

it('copies with the credentials and options of both ends', async () => {
  await using registry = await startTestRegistry({ login: { scheme: 'basic', username: 'me', password: 'secret' } });
  stock(registry.repository('source/app'), amd64, 'v1');
  await withTempDir(async (directory) => {
    const reference = `docker://${registry.registry}/source/app:v1`;
    const from = { registry: { credentials } };
    const layout = `oci:${directory}/layout:v1`;
    expect((await copyReference(reference, layout, { from })).descriptor).toEqual(amd64.descriptor);
    expect((await copyReference(layout, `docker://${registry.registry}/other/app`, { to: from })).descriptor).toEqual(amd64.descriptor);
    expect(registry.repository('other/app').tags.get('latest')).toBe(amd64.descriptor.digest);
    const error = await failure(
      copyReference(reference, layout, { from: { registry: { credentials: async () => await Promise.resolve(undefined) } } }),
    );
    expect(error).toMatchObject({ name: 'RegistryError', code: 'UNAUTHORIZED' });
  });
});

import { dirFiles, dockerSaveEntries, image, layoutFiles, tar, tarLayer, withTempDir, writeLayout } from '@cfskit/fixtures';
import { loadImage, mediaTypes, readBlob } from '@cfskit/oci-spec';
import { RegistryClient } from '@cfskit/registry';
import { startTestRegistry } from '@cfskit/registry/testing';
import { mkdir, writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { openImageSource, type OpenImageSourceOptions } from '../src/index.ts';
import { fakeClient } from './fake-client.ts';
import { AMD64, amd64, ARM64, arm64, failure, index, layerC, stock, writeArchive } from './images.ts';

const plain = image({ layers: [tarLayer(tar([{ path: 'a', content: 'alpha' }]), 'none')], platform: AMD64 });

/** The same image in every form, by reference. */
async function withAllForms(work: (references: Readonly<Record<string, string>>) => Promise<void>): Promise<void> {
  await using registry = await startTestRegistry();
  stock(registry.repository('team/app'), plain, 'v1');
  await withTempDir(async (directory) => {
    await writeLayout(
      `${directory}/layout`,
      layoutFiles([
        { image: plain, tag: 'v1' },
        { image: arm64, tag: 'other' },
      ]),
    );
    await writeArchive(`${directory}/layout.tar`, [{ image: plain, tag: 'reg.io/team/app:v1' }]);
    await writeFile(`${directory}/docker.tar`, tar(dockerSaveEntries([{ image: plain, names: ['team/app:v1'] }], 'legacy')));
    await mkdir(`${directory}/dir`);
    for (const [name, bytes] of Object.entries(dirFiles(plain))) await writeFile(`${directory}/dir/${name}`, bytes);
    await work({
      oci: `oci:${directory}/layout:v1`,
      'oci-archive': `oci-archive:${directory}/layout.tar:reg.io/team/app:v1`,
      'docker-archive': `docker-archive:${directory}/docker.tar:docker.io/team/app:v1`,
      dir: `dir:${directory}/dir`,
      docker: `docker://${registry.registry}/team/app:v1`,
    });
  });
}

describe('a reference', () => {
  it('leads to the same image in whatever form it is', async () => {
    await withAllForms(async (references) => {
      for (const [form, reference] of Object.entries(references)) {
        const source = await openImageSource(reference);
        const { resolved, layers } = await loadImage(source, { platform: AMD64 });
        expect({ form, digest: resolved.descriptor.digest }).toEqual({ form, digest: plain.descriptor.digest });
        expect(await readBlob(source, layers.at(0)!.descriptor)).toEqual(plain.blobs.at(2)!.bytes);
        expect((await source.resolveRoot()).raw).toEqual(plain.bytes);
        expect(source.describe()).toBe(reference);
        await source.close?.();
        await source.close?.();
      }
    });
  });

  it.each(['containers-storage:x', 'docker-daemon:x:1'])('is refused, by name, where something else reads it: %s', async (reference) => {
    const error = await failure(openImageSource(reference));
    expect(error).toMatchObject({ name: 'ImageSourceError', code: 'UNSUPPORTED_TRANSPORT', reference });
  });

  it.each([
    ['alpine', 'MISSING_COLON'],
    ['foo:bar', 'UNKNOWN_TRANSPORT'],
    ['docker:alpine', 'MISSING_SLASHES'],
    ['docker://Bad', 'INVALID_NAME'],
    ['oci:', 'EMPTY_NAME'],
  ])('is refused: %s', async (reference, code) => {
    expect(await failure(openImageSource(reference))).toMatchObject({ name: 'OciRefError', code });
  });

  it('to nothing is an error of its reader', async () => {
    for (const reference of ['oci:/no/such', 'oci-archive:/no/such', 'docker-archive:/no/such', 'dir:/no/such']) {
      expect(await failure(openImageSource(reference))).toMatchObject({ name: 'OciDirError', code: 'NOT_A_LAYOUT' });
    }
  });

  it('to a registry may use a client of the caller, who closes it', async () => {
    await using registry = await startTestRegistry();
    stock(registry.repository('app'), index, 'v1');
    const client = new RegistryClient();
    const source = await openImageSource(`docker://${registry.registry}/app`, { client });
    expect((await source.resolveRoot({ tag: 'v1' })).raw).toEqual(index.bytes);
    await source.close?.();
    const resolved = await source.resolve({ tag: 'v1', platform: ARM64 });
    expect(resolved).toMatchObject({ descriptor: { digest: arm64.descriptor.digest }, indexDigest: index.descriptor.digest });
    const chunks = await Array.fromAsync(source.openFrom!(layerC.descriptor, 512), (piece) => piece.slice());
    expect(Buffer.concat(chunks)).toEqual(Buffer.from(layerC.bytes.subarray(512)));
    await client.close();
  });
});

describe('a layer that is kept elsewhere', () => {
  const { descriptor, bytes } = layerC;
  const urls = ['http://plain.example/x', 'https://user:secret@named.example/x', 'https://down.example/x', 'https://up.example/start'];
  const foreign = { ...descriptor, mediaType: mediaTypes.foreignLayer, urls };
  const redirect = { status: 302, location: 'https://store.example/blob' };

  async function readForeign(options: OpenImageSourceOptions, layer = foreign): Promise<unknown> {
    return await withTempDir(async (directory) => {
      await writeArchive(`${directory}/a.tar`, [{ image: amd64, tag: 'x' }]);
      const source = await openImageSource(`oci-archive:${directory}/a.tar`, options);
      try {
        return await readBlob(source, layer);
      } finally {
        await source.close?.();
      }
    });
  }

  it('is refused unless it is asked for, and nobody is asked', async () => {
    const asked: string[] = [];
    expect(await failure(readForeign({ client: fakeClient(asked, {}) }))).toMatchObject({ code: 'FOREIGN_LAYER' });
    expect(asked).toEqual([]);
  });

  it('is fetched from the first address that has it: https only, without credentials', async () => {
    const asked: string[] = [];
    const client = fakeClient(asked, { 'up.example': redirect, 'store.example': { body: bytes } });
    expect(await readForeign({ foreignLayers: true, client })).toEqual(bytes);
    expect(asked).toEqual([
      'https://down.example/x undefined',
      'https://up.example/start undefined',
      'https://store.example/blob undefined',
    ]);
  });

  it('is fetched without a client too, by one that is closed with the source', async () => {
    const unreachable = { ...foreign, urls: ['https://nobody.invalid/x'] };
    const registry = { retry: { attempts: 1 }, timeouts: { connectMs: 1000 } };
    expect(await failure(readForeign({ foreignLayers: true, registry }, unreachable))).toMatchObject({ code: 'FOREIGN_LAYER' });
  });

  it.each([
    ['redirected to plain http', { status: 307, location: 'http://up.example/' }],
    ['redirected to this machine', { status: 307, location: 'https://127.0.0.1/' }],
    ['redirected for ever', { status: 307, location: '/again' }],
    ['not there', { status: 404 }],
    ['redirected to nothing', { status: 302 }],
  ])('is an error that names it: %s', async (_, answer) => {
    const error = (await failure(readForeign({ foreignLayers: true, client: fakeClient([], { 'up.example': answer }) }))) as Error;
    expect(error).toMatchObject({ name: 'ImageSourceError', code: 'FOREIGN_LAYER', digest: descriptor.digest });
    expect(`${error.message} ${String(error.cause)}`).not.toContain('secret');
  });

  it('is checked like any other', async () => {
    const client = fakeClient([], { 'up.example': { body: bytes.with(3, 1) } });
    expect(await failure(readForeign({ foreignLayers: true, client }))).toMatchObject({ code: 'DIGEST_MISMATCH' });
  });
});

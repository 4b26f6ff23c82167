import { loadImage, openVerified, parsePlatform, readBlob, type Descriptor } from '@cfskit/oci-spec';
import { sha256, tar } from '@cfskit/fixtures';
import { recordLock } from '@cfskit/linux';
import { closeSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { openContainersStorage, type StorageImage } from '../src/index.ts';
import { writeStore, type FakeStore } from './fake-store.ts';
import { scratch } from './scratch.ts';

const next = scratch();
const LARGE = Buffer.alloc(1_300_000, 'large ');
const layers = [
  [
    { path: 'usr/', type: 'dir' as const },
    { path: 'usr/large', content: LARGE },
    { path: './usr/small', content: 'small' },
    { path: 'usr/empty' },
    { path: 'usr/link', type: 'symlink' as const, target: 'small' },
    { path: Buffer.from([0x75, 0x73, 0x72, 0x2f, 0xff]), content: 'no UTF-8' },
  ],
  [
    { path: 'usr/', type: 'dir' as const },
    { path: 'usr/more', content: 'm'.repeat(512) },
  ],
];

async function layerTar(source: StorageImage, descriptor: Descriptor): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of openVerified(source, descriptor)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function firstLayer(source: StorageImage): Promise<Descriptor> {
  return (await source.storedLayers(await source.resolve())).at(0)!;
}

function open({ path }: FakeStore, image = 'app:1', onWarning?: (text: string) => void): StorageImage {
  return openContainersStorage(`[${path}]${image}`, { onWarning });
}

describe.each(['overlay', 'vfs'] as const)('a store of %s', (driver) => {
  const store = writeStore(next(), layers, { driver });

  it('gives manifest, config and layers byte for byte', async () => {
    const source = open(store);
    const { resolved, manifest, configRaw } = await loadImage(source, { platform: parsePlatform('linux/amd64') });
    expect(source.describe()).toBe(`containers-storage:[${store.path}]app:1`);
    expect(resolved).toEqual({
      descriptor: store.image.descriptor,
      raw: store.image.bytes,
      platform: { os: 'linux', architecture: 'amd64' },
    });
    const stored = await source.storedLayers(resolved);
    expect(stored).toEqual(manifest.layers);
    for (const descriptor of [...stored, manifest.config]) {
      const blob = store.image.blobs.find((one) => one.descriptor.digest === descriptor.digest)!;
      expect((await layerTar(source, descriptor)).equals(blob.bytes)).toBe(true);
    }
    expect(configRaw).toEqual(await readBlob(source, manifest.config));
    await source.close();
    await source.close();
  });

  it('gives the contents of files as open files', async () => {
    const source = open(store);
    const first = await firstLayer(source);
    const files: string[] = [];
    const bytes: Uint8Array[] = [];
    for await (const piece of source.openPieces(first)) {
      if (!(piece instanceof Uint8Array)) files.push(`${piece.path.slice(store.path.length)} ${piece.size}`);
      bytes.push(piece instanceof Uint8Array ? piece : readFileSync(piece.fd));
    }
    expect(files.map((text) => text.replace(/.*(?=\/usr)/, ''))).toEqual(['/usr/large 1300000', '/usr/small 5', '/usr/\ufffd 8']);
    expect(Buffer.concat(bytes).equals(await layerTar(source, first))).toBe(true);
    await source.close();
  });
});

it('finds layers in another store than the image, and the image in the first store that has it', async () => {
  const [first, second] = [writeStore(next(), layers), writeStore(next(), layers)];
  rmSync(first.path, { recursive: true });
  const empty = writeStore(next(), [], { names: ['localhost/other:1'] });
  const source = openContainersStorage(`[${empty.path}:additionalimagestore=${second.path}]app:1`);
  const { resolved } = await loadImage(source);
  const sizes = await Promise.all(
    (await source.storedLayers(resolved)).map(async (descriptor) => (await layerTar(source, descriptor)).byteLength),
  );
  expect(sizes).toEqual(layers.map((entries) => tar(entries).byteLength));
  await source.close();
});

it('takes an image for another platform with a warning, but not if one is asked for', async () => {
  const source = open(writeStore(next(), layers, { platform: parsePlatform('linux/s390x') }));
  const warnings: string[] = [];
  await source.resolve({ onWarning: (text) => warnings.push(text) });
  expect(warnings).toHaveLength(process.arch === 's390x' ? 0 : 1);
  expect(warnings.join('')).toMatch(/^$|is an image for linux\/s390x$/);
  const refused = source.resolve({ platform: parsePlatform('linux/arm64') });
  await expect(refused).rejects.toMatchObject({
    code: 'NO_MATCH',
    message: 'No manifest found for platform linux/arm64; available: linux/s390x',
  });
  await expect(source.resolve({ tag: 'x' })).rejects.toMatchObject({ code: 'TAG_NOT_FOUND' });
  await source.close();
});

it('is an error without store or image, which says where it was looked for', async () => {
  const nowhere = next();
  expect(() => openContainersStorage(`[${nowhere}]app:1`)).toThrow(
    expect.objectContaining({ code: 'NO_STORE', message: expect.stringContaining(nowhere) as string }),
  );
  const { path } = writeStore(next(), []);
  expect(() => openContainersStorage(`[btrfs@${path}]app:1`)).toThrow(expect.objectContaining({ code: 'UNSUPPORTED_DRIVER' }));
  expect(() => openContainersStorage(`[overlay@${path}]app:1`)).toThrow(expect.objectContaining({ code: 'NO_STORE' }));
  const source = openContainersStorage(`[vfs@${path}]app:2`);
  await expect(source.resolve()).rejects.toMatchObject({ code: 'IMAGE_NOT_FOUND', message: expect.stringContaining(path) as string });
  await source.close();
});

/** Ask for the image by the digest of a document that is listed, and that may be something else, or not there. */
async function resolveBy(document: string | undefined, make: (store: FakeStore) => string): Promise<unknown> {
  const store = writeStore(next(), layers);
  const text = document ?? make(store);
  const name = `manifest-${sha256(Buffer.from(make(store)))}`;
  const [record] = JSON.parse(readFileSync(store.paths.images, 'utf8')) as [{ 'big-data-names': string[] }];
  record['big-data-names'].push(name);
  writeFileSync(store.paths.images, JSON.stringify([record]));
  if (text !== '') writeFileSync(store.paths.bigData(name), text);
  const source = open(store, `localhost/app@${name.slice('manifest-'.length)}`);
  try {
    expect((await source.resolve()).descriptor).toEqual(store.image.descriptor);
    return 'resolved';
  } catch (error) {
    return (error as { code?: unknown }).code;
  } finally {
    await source.close();
  }
}

function index(...manifests: readonly object[]): string {
  return JSON.stringify({ schemaVersion: 2, mediaType: 'application/vnd.docker.distribution.manifest.list.v2+json', manifests });
}

describe('an image that is asked for by a digest', () => {
  const other = { mediaType: 'application/vnd.oci.image.manifest.v1+json', digest: `sha256:${'e'.repeat(64)}`, size: 7 };

  it.each<[string, string, string | undefined, (store: FakeStore) => string]>([
    ['an index that names it', 'resolved', undefined, (store) => index(other, store.image.descriptor)],
    ['an index that names others', 'MISSING_DATA', undefined, () => index(other)],
    ['an index that is not there', 'MISSING_DATA', '', (store) => index(store.image.descriptor)],
    ['an index that is another one', 'DIGEST_MISMATCH', '{"schemaVersion":2,"manifests":[]}', (store) => index(store.image.descriptor)],
  ])('is of %s: %s', async (_, outcome, document, make) => {
    expect(await resolveBy(document, make)).toBe(outcome);
  });
});

describe('a store that is of no use', () => {
  const useless: readonly (readonly [what: string, code: string, damage: (store: FakeStore) => void])[] = [
    ['whose list of images is no JSON', 'INVALID_STORE', ({ paths }) => writeFileSync(paths.images, '[{')],
    ['whose list of images is too long', 'TOO_LARGE', ({ paths }) => truncateSync(paths.images, 65 * 1024 * 1024)],
    ['whose list of layers is no JSON', 'IMAGE_NOT_FOUND', ({ paths }) => writeFileSync(paths.layers, '[{')],
  ];
  it.each(useless)('%s does not keep an image from being found in another one', async (_, code, damage) => {
    const [bad, good] = [writeStore(next(), layers, { names: ['localhost/bad:1'] }), writeStore(next(), layers)];
    damage(bad);
    const source = openContainersStorage(`[${bad.path}:additionalimagestore=${good.path}]app:1`);
    const { resolved } = await loadImage(source);
    expect(await source.storedLayers(resolved)).toHaveLength(layers.length);
    await source.close();
    const lost = openContainersStorage(`[${bad.path}:additionalimagestore=${good.path}]app:2`);
    await expect(lost.resolve()).rejects.toMatchObject({ code });
    await lost.close();
  });

  it('because of its driver, is passed over, and named when the image is nowhere else', async () => {
    const good = writeStore(next(), layers);
    const bad = next();
    mkdirSync(bad);
    const conf = `${bad}/storage.conf`;
    writeFileSync(conf, `[storage]\ndriver = "btrfs"\ngraphroot = "${bad}"\nrootless_storage_path = "${bad}"\n`);
    const env = { CONTAINERS_STORAGE_CONF: conf, STORAGE_OPTS: `additionalimagestore=${good.path}` };
    const source = openContainersStorage('app:1', { env });
    expect((await source.resolve()).descriptor).toEqual(good.image.descriptor);
    await source.close();
    const lost = openContainersStorage('app:2', { env });
    await expect(lost.resolve()).rejects.toMatchObject({
      code: 'IMAGE_NOT_FOUND',
      message: expect.stringContaining('found btrfs') as string,
    });
    await lost.close();
  });
});

it('waits for whoever writes to the store, and gives up when told to', async () => {
  const store = writeStore(next(), layers);
  const writer = openSync(`${store.path}/vfs-images/images.lock`, 'r+');
  expect(recordLock(writer, 'exclusive')).toBe(true);
  const stop = new AbortController();
  const stopped = open(store, 'app:1', () => stop.abort(new Error('enough'))).resolve({ signal: stop.signal });
  await expect(stopped).rejects.toThrow('enough');
  const source = open(store, 'app:1', (text) => {
    expect(text).toContain('images.lock');
    recordLock(writer, 'unlock');
  });
  await source.resolve();
  closeSync(writer);
  await source.close();
});

it('keeps a layer from being removed while it is read, and no longer', async () => {
  const store = writeStore(next(), layers);
  const writer = openSync(`${store.path}/vfs-layers/layers.lock`, 'r+');
  const source = open(store);
  const first = await firstLayer(source);
  const pieces = source.openPieces(first);
  await pieces.next();
  expect(recordLock(writer, 'exclusive')).toBe(false);
  await pieces.return();
  expect(recordLock(writer, 'exclusive')).toBe(true);
  closeSync(writer);
  await source.close();
});

it('reads nothing once it is closed, whatever its descriptors mean by then', async () => {
  const [store, elsewhere] = [writeStore(next(), layers), writeStore(next(), [])];
  const [unread, read] = [open(store), open(store)];
  const first = await firstLayer(read);
  await unread.close();
  await read.close();
  const descriptors = Array.from({ length: 4 }, () => openSync(elsewhere.path, 'r'));
  for (const refused of [unread.resolve(), read.resolve(), layerTar(read, first), read.openPieces(first).next()]) {
    await expect(refused).rejects.toThrow(new TypeError(`containers-storage:[${store.path}]app:1 is closed`));
  }
  for (const fd of descriptors) closeSync(fd);
});

it('stops when told to, even if the headers say nothing for long', async () => {
  const store = writeStore(next(), layers);
  const header = JSON.stringify({ type: 2, payload: Buffer.alloc(512).toString('base64') });
  writeFileSync(store.paths.tarSplit(0), gzipSync(`${header}\n${'\n'.repeat(8 * 1024 * 1024)}`));
  const source = open(store);
  const stop = new AbortController();
  const pieces = source.openPieces(await firstLayer(source), { signal: stop.signal });
  await pieces.next();
  stop.abort(new Error('enough'));
  await expect(pieces.next()).rejects.toThrow('enough');
  await source.close();
});

it('follows no symbolic link inside the store', async () => {
  const store = writeStore(next(), layers);
  renameSync(store.paths.files(0), `${store.path}/elsewhere`);
  rmSync(store.paths.files(1), { recursive: true });
  symlinkSync(`${store.path}/elsewhere`, store.paths.files(0));
  const source = open(store);
  const first = await firstLayer(source);
  await expect(layerTar(source, first)).rejects.toMatchObject({ code: 'MISSING_DATA' });
  await source.close();
});

import { image, sha256, tar, tarLayer, type Packaged, type Platform, type TarEntry } from '@cfskit/fixtures';
import { createHash } from 'node:crypto';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';

/** What a store is made with. */
export interface FakeStoreOptions {
  readonly driver?: 'overlay' | 'vfs';
  readonly names?: readonly string[];
  readonly platform?: Platform;
}

/** A store with one image, and where its parts are. */
export interface FakeStore {
  readonly path: string;
  readonly image: Packaged;
  readonly imageId: string;
  readonly layerIds: readonly string[];
  readonly diffIds: readonly string[];
  readonly paths: {
    readonly images: string;
    readonly layers: string;
    tarSplit(layer: number): string;
    files(layer: number): string;
    bigData(name: string): string;
  };
}

/** Write a store in the way of containers/storage, by hand: documents, headers of layers and their files. */
export function writeStore(path: string, layers: readonly (readonly TarEntry[])[], options: FakeStoreOptions = {}): FakeStore {
  const { driver = 'vfs', names = ['localhost/app:1'], platform } = options;
  const tars = layers.map((entries) => tar(entries));
  const packaged = image({ layers: tars.map((bytes) => tarLayer(bytes, 'none')), ...(platform && { platform }) });
  const diffIds = tars.map((bytes) => sha256(bytes));
  const layerIds = diffIds.map((diffId, index) => createHash('sha256').update(`${index} ${diffId}`).digest('hex'));
  const config = (JSON.parse(new TextDecoder().decode(packaged.bytes)) as { config: { digest: string } }).config.digest;
  const imageId = config.slice('sha256:'.length);
  const manifestName = `manifest-${packaged.descriptor.digest}`;
  const store = { path, image: packaged, imageId, layerIds, diffIds, paths: pathsOf(path, driver, imageId, layerIds) };

  write(store.paths.bigData('manifest'), packaged.bytes);
  write(store.paths.bigData(manifestName), packaged.bytes);
  write(store.paths.bigData(config), packaged.blobs.find(({ descriptor }) => descriptor.digest === config)!.bytes);
  const record = {
    id: imageId,
    digest: packaged.descriptor.digest,
    names,
    layer: layerIds.at(-1) ?? '',
    'big-data-names': [config, manifestName, 'manifest'],
  };
  write(store.paths.images, JSON.stringify([record]));
  write(join(path, `${driver}-images/images.lock`), '');
  write(join(path, `${driver}-layers/layers.lock`), '');
  const records = tars.map((bytes, index) => ({
    id: layerIds[index],
    parent: layerIds[index - 1],
    'diff-digest': diffIds[index],
    'diff-size': bytes.byteLength,
  }));
  write(store.paths.layers, JSON.stringify(records));
  for (const [index, entries] of layers.entries()) {
    write(store.paths.tarSplit(index), gzipSync(`${tarSplitLines(entries).join('\n')}\n`));
    for (const below of layers.slice(driver === 'vfs' ? 0 : index, index + 1)) writeEntries(store.paths.files(index), below);
  }
  return store;
}

/** What `tar-split` keeps of a tar of these entries. */
export function tarSplitLines(entries: readonly TarEntry[]): readonly string[] {
  const lines: unknown[] = [];
  for (const entry of entries) {
    const size = Buffer.from(entry.content ?? '').byteLength;
    const bytes = Buffer.from(tar([entry], { endBlocks: 0 }));
    const start = bytes.byteLength - Math.ceil(size / 512) * 512;
    const name = Buffer.from(entry.path);
    const text = name.toString();
    lines.push({ type: 2, payload: bytes.subarray(0, start).toString('base64') });
    lines.push({
      type: 1,
      ...(name.equals(Buffer.from(text)) ? { name: text } : { name_raw: name.toString('base64') }),
      ...(size > 0 && { size }),
      payload: null,
    });
    if (start + size < bytes.byteLength) lines.push({ type: 2, payload: bytes.subarray(start + size).toString('base64') });
  }
  lines.push({ type: 2, payload: Buffer.alloc(1024).toString('base64') }, { type: 2, payload: '' });
  return lines.map((line, position) => JSON.stringify({ ...(line as object), position }));
}

function pathsOf(path: string, driver: string, imageId: string, layerIds: readonly string[]): FakeStore['paths'] {
  return {
    images: join(path, `${driver}-images/images.json`),
    layers: join(path, `${driver}-layers/layers.json`),
    tarSplit: (layer) => join(path, `${driver}-layers/${layerIds[layer]}.tar-split.gz`),
    files: (layer) => join(path, driver === 'vfs' ? `vfs/dir/${layerIds[layer]}` : `overlay/${layerIds[layer]}/diff`),
    bigData: (name) => join(path, `${driver}-images/${imageId}/${fileOf(name)}`),
  };
}

function fileOf(name: string): string {
  return name === 'manifest' ? name : `=${Buffer.from(name).toString('base64')}`;
}

function writeEntries(root: string, entries: readonly TarEntry[]): void {
  mkdirSync(root, { recursive: true });
  for (const { path, type = 'file', content = '', target } of entries) {
    const place = Buffer.concat([Buffer.from(`${root}/`), Buffer.from(path)]);
    if (type === 'dir') mkdirSync(place, { recursive: true });
    else if (type === 'symlink') symlinkSync(target!.toString(), place);
    else if (type === 'file') writeFileSync(place, content);
  }
}

function write(path: string, content: string | Uint8Array): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
}

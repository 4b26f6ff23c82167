import { openVerified, type OpenOptions } from '@cfskit/oci-spec';
import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { gunzipSync, gzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { openContainersStorage } from '../src/index.ts';
import { writeStore, type FakeStore } from './fake-store.ts';
import { scratch } from './scratch.ts';

const next = scratch();
const layers = [
  [
    { path: 'usr/', type: 'dir' as const },
    { path: 'usr/file', content: 'f'.repeat(3000) },
    { path: 'usr/other', content: 'other' },
  ],
];

/** Read everything there is. */
async function readAll({ path }: FakeStore, options: OpenOptions = {}): Promise<void> {
  const source = openContainersStorage(`[${path}]app:1`);
  try {
    const resolved = await source.resolve(options);
    for (const descriptor of await source.storedLayers(resolved, options)) {
      for await (const chunk of openVerified(source, descriptor, options)) void chunk;
    }
  } finally {
    await source.close();
  }
}

function replaceIn(path: string, from: string | RegExp, to: string): void {
  const text = readFileSync(path, 'utf8');
  expect(text.replace(from, to)).not.toBe(text);
  writeFileSync(path, text.replace(from, to));
}

function replaceHeaders({ paths }: FakeStore, change: (text: string) => string): void {
  writeFileSync(paths.tarSplit(0), gzipSync(change(gunzipSync(readFileSync(paths.tarSplit(0))).toString())));
}

const DAMAGES: readonly (readonly [what: string, code: string, damage: (store: FakeStore) => void])[] = [
  ['images.json is no JSON', 'INVALID_STORE', ({ paths }) => writeFileSync(paths.images, '[{')],
  ['images.json is no list', 'INVALID_STORE', ({ paths }) => writeFileSync(paths.images, '{}')],
  ['images.json is a list of something else', 'INVALID_STORE', ({ paths }) => writeFileSync(paths.images, '[null]')],
  ['images.json is endless', 'TOO_LARGE', ({ paths }) => truncateSync(paths.images, 65 * 1024 * 1024)],
  ['images.json is a FIFO', 'INVALID_STORE', ({ paths }) => (rmSync(paths.images), execFileSync('mkfifo', [paths.images]))],
  ['the id of an image is a path', 'INVALID_STORE', ({ paths }) => replaceIn(paths.images, /"id":"[^"]*"/, '"id":"../../x"')],
  ['the id of a layer is a path', 'INVALID_STORE', ({ paths }) => replaceIn(paths.layers, /"id":"[^"]*"/, '"id":"../../x"')],
  ['names are no texts', 'INVALID_STORE', ({ paths }) => replaceIn(paths.images, '"localhost/app:1"', '7')],
  ['the size of a layer is none', 'INVALID_STORE', ({ paths }) => replaceIn(paths.layers, /"diff-size":\d+/, '"diff-size":-2')],
  ['the size of a layer is not known', 'LAYER_MISMATCH', ({ paths }) => replaceIn(paths.layers, /"diff-size":\d+/, '"diff-size":-1')],
  ['the size of a layer is missing', 'LAYER_MISMATCH', ({ paths }) => replaceIn(paths.layers, /,"diff-size":\d+/, '')],
  ['the size of a layer is wrong', 'SIZE_MISMATCH', ({ paths }) => replaceIn(paths.layers, /"diff-size":\d+/, '"diff-size":1000')],
  ['the manifest is missing', 'MISSING_DATA', ({ paths }) => rmSync(paths.bigData('manifest'))],
  ['the manifest is another one', 'DIGEST_MISMATCH', ({ paths }) => appendFileSync(paths.bigData('manifest'), ' ')],
  ['the config is missing', 'MISSING_DATA', ({ paths, imageId }) => rmSync(paths.bigData(`sha256:${imageId}`))],
  ['the config is another one', 'DIGEST_MISMATCH', ({ paths, imageId }) => replaceIn(paths.bigData(`sha256:${imageId}`), 'amd64', 'arm64')],
  ['the config is longer', 'SIZE_MISMATCH', ({ paths, imageId }) => appendFileSync(paths.bigData(`sha256:${imageId}`), ' ')],
  ['the list of layers is missing', 'LAYER_MISMATCH', ({ paths }) => rmSync(paths.layers)],
  [
    'a layer has another digest',
    'LAYER_MISMATCH',
    ({ paths }) => replaceIn(paths.layers, /"diff-digest":"sha256:./, '"diff-digest":"sha256:z'),
  ],
  ['a layer was fetched in part', 'LAYER_MISMATCH', ({ paths }) => replaceIn(paths.layers, 'diff-digest', 'toc-digest')],
  [
    'a layer is its own parent',
    'LAYER_MISMATCH',
    ({ paths, layerIds: [id] }) => replaceIn(paths.layers, '"diff-digest"', `"parent":"${id}","diff-digest"`),
  ],
  ['the headers are missing', 'INVALID_TAR_SPLIT', ({ paths }) => rmSync(paths.tarSplit(0))],
  ['the headers are a directory', 'INVALID_TAR_SPLIT', ({ paths }) => (rmSync(paths.tarSplit(0)), mkdirSync(paths.tarSplit(0)))],
  ['the headers are no gzip', 'INVALID_TAR_SPLIT', ({ paths }) => writeFileSync(paths.tarSplit(0), 'plain text that is long enough')],
  ['the headers end early', 'INVALID_TAR_SPLIT', ({ paths }) => truncateSync(paths.tarSplit(0), 100)],
  ['the headers are no lines of JSON', 'INVALID_TAR_SPLIT', (store) => replaceHeaders(store, (text) => text.replaceAll('{', '['))],
  ['a header is another one', 'DIGEST_MISMATCH', (store) => replaceHeaders(store, (text) => text.replace('"payload":"d', '"payload":"e'))],
  ['a header is left out', 'SIZE_MISMATCH', (store) => replaceHeaders(store, (text) => text.slice(text.indexOf('\n') + 1))],
  [
    'an entry leads out of the layer',
    'UNSAFE_PATH',
    (store) => replaceHeaders(store, (text) => text.replace('"usr/file"', '"../../../../etc/shadow"')),
  ],
  ['an entry is absolute', 'FILE_CHANGED', (store) => replaceHeaders(store, (text) => text.replace('"usr/file"', '"/etc/shadow"'))],
  [
    'an entry has a name that is too long',
    'UNSAFE_PATH',
    (store) => replaceHeaders(store, (text) => text.replace('"usr/file"', `"usr/${'f'.repeat(300)}"`)),
  ],
  ['an entry names another file', 'FILE_CHANGED', (store) => replaceHeaders(store, (text) => text.replace('"usr/file"', '"usr/other"'))],
  ['a file is missing', 'FILE_CHANGED', ({ paths }) => rmSync(`${paths.files(0)}/usr/file`)],
  ['a file is shorter', 'FILE_CHANGED', ({ paths }) => truncateSync(`${paths.files(0)}/usr/file`, 2999)],
  ['a file holds something else', 'DIGEST_MISMATCH', ({ paths }) => writeFileSync(`${paths.files(0)}/usr/file`, 'g'.repeat(3000))],
  ['a file is a directory', 'FILE_CHANGED', ({ paths }) => (rmSync(`${paths.files(0)}/usr/file`), mkdirSync(`${paths.files(0)}/usr/file`))],
  [
    'a file is a FIFO',
    'FILE_CHANGED',
    ({ paths }) => (rmSync(`${paths.files(0)}/usr/file`), execFileSync('mkfifo', [`${paths.files(0)}/usr/file`])),
  ],
  ['a file is a symbolic link', 'FILE_CHANGED', ({ paths }) => linked(`${paths.files(0)}/usr/file`)],
  ['the directory of a file is a symbolic link', 'FILE_CHANGED', ({ paths }) => linked(`${paths.files(0)}/usr`)],
  ['the files are missing', 'MISSING_DATA', ({ paths }) => rmSync(paths.files(0), { recursive: true })],
];

/** The same, but behind a link: whoever follows it finds everything as it was. */
function linked(path: string): void {
  renameSync(path, `${path} moved`);
  symlinkSync(`${path} moved`, path);
}

it.skipIf(process.getuid?.() !== 0)('a file is a whiteout, which is a device that nobody opens: FILE_CHANGED', async () => {
  const store = writeStore(next(), layers, { driver: 'overlay' });
  const path = `${store.paths.files(0)}/usr/file`;
  rmSync(path);
  execFileSync('mknod', [path, 'c', '0', '0']);
  await expect(readAll(store)).rejects.toMatchObject({ code: 'FILE_CHANGED' });
});

it.each(DAMAGES)('%s: %s', async (_, code, damage) => {
  const store = writeStore(next(), layers);
  await readAll(store);
  damage(store);
  const descriptors = readdirSync('/proc/self/fd').length;
  await expect(readAll(store)).rejects.toMatchObject({ code });
  expect(readdirSync('/proc/self/fd')).toHaveLength(descriptors);
});

const OTHER_ID = 'f'.repeat(64);
const OTHERS: readonly (readonly [what: string, kind: 'images' | 'layers', record: unknown])[] = [
  ['an image without its layer', 'images', { id: OTHER_ID, names: ['localhost/lost:1'], layer: 'e'.repeat(64) }],
  ['an image whose names are no texts', 'images', { id: OTHER_ID, names: [7] }],
  ['an image that is nothing', 'images', null],
  ['a layer that was fetched in part', 'layers', { id: OTHER_ID, 'toc-digest': `sha256:${OTHER_ID}`, 'diff-size': -1 }],
  ['a layer whose size is no number', 'layers', { id: OTHER_ID, 'diff-size': 'large' }],
  ['a layer whose id is a path', 'layers', { id: '../../x' }],
];

it.each(OTHERS)('does not mind %s beside the own', async (_, kind, record) => {
  const store = writeStore(next(), layers);
  const list = JSON.parse(readFileSync(store.paths[kind], 'utf8')) as unknown[];
  writeFileSync(store.paths[kind], JSON.stringify([record, ...list]));
  expect(await readAll(store)).toBeUndefined();
});

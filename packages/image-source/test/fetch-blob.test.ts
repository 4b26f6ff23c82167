import { toBlob, withTempDir } from '@cfskit/fixtures';
import type { OpenOptions } from '@cfskit/oci-spec';
import { fetchBlobFile, OciDirError } from '@cfskit/ocidir';
import { readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { fetchFromPlaces, type BlobFetch } from '../src/fetch-blob.ts';
import type { BlobPlace } from '../src/rooted-source.ts';
import { failure } from './images.ts';

const { bytes, descriptor } = toBlob(
  Uint8Array.from({ length: 10_000 }, (_, i) => (i * 7 + (i >> 8)) & 0xff),
  'application/octet-stream',
);

async function* chunksOf(content: Uint8Array | Error): AsyncGenerator<Uint8Array, void> {
  if (content instanceof Error) throw await Promise.resolve(content);
  for (let at = 0; at < content.length; at += 999) yield content.subarray(at, at + 999);
}

/** A file that has this, or fails so. */
function seed(content: Uint8Array | Error): BlobPlace {
  return { origin: 'seed', source: { describe: () => 'the seed', open: () => chunksOf(content) } };
}

/** A registry; it notes from where on it was asked. */
function registry(asked: number[]): BlobPlace {
  const openFrom = (_: unknown, start: number, __?: OpenOptions): AsyncIterable<Uint8Array> => {
    asked.push(start);
    return chunksOf(bytes.subarray(start));
  };
  return { origin: 'source', source: { describe: () => 'the registry', open: (blob) => openFrom(blob, 0), openFrom } };
}

/** Fetches after an interrupted fetch of 9000 bytes. */
async function resume(directory: string, places: readonly BlobPlace[], warnings: string[] = []): Promise<BlobFetch> {
  await writeFile(join(directory, 'blob.partial'), bytes.subarray(0, 9000));
  const into: Parameters<typeof fetchFromPlaces>[2] = (openAt, options) => fetchBlobFile(directory, 'blob', descriptor, openAt, options);
  const fetched = await fetchFromPlaces(places, descriptor, into, { onWarning: (text) => warnings.push(text) });
  expect(Buffer.compare(await readFile(join(directory, 'blob')), bytes)).toBe(0);
  expect(await readdir(directory)).toEqual(['blob']);
  return fetched;
}

const missing = new OciDirError('BLOB_NOT_FOUND', 'blobs', 'no such blob');
const denied = Object.assign(new Error('EACCES: permission denied'), { code: 'EACCES' });

it.each([
  ['does not have the blob', missing, []],
  ['may not be read', denied, ['seed the seed: EACCES: permission denied']],
])('a seed that %s costs nothing of what has come before', async (_, content, warned) => {
  await withTempDir(async (directory) => {
    const [asked, warnings]: [number[], string[]] = [[], []];
    const fetched = await resume(directory, [seed(content), registry(asked)], warnings);
    expect({ asked, fetched }).toEqual({ asked: [9000], fetched: { fetched: 1000, resumed: 9000, origin: 'source' } });
    expect(warnings).toEqual(warned);
  });
});

it('a seed gives the rest of a blob', async () => {
  await withTempDir(async (directory) => {
    expect(await resume(directory, [seed(bytes), registry([])])).toEqual({ fetched: 1000, resumed: 9000, origin: 'seed' });
  });
});

it('what is wrong with the destination is no fault of a seed', async () => {
  await withTempDir(async (directory) => {
    await symlink('elsewhere', join(directory, 'blob.partial'));
    const [asked, warnings]: [number[], string[]] = [[], []];
    const into: Parameters<typeof fetchFromPlaces>[2] = (openAt, options) => fetchBlobFile(directory, 'blob', descriptor, openAt, options);
    const fetching = fetchFromPlaces([seed(bytes), registry(asked)], descriptor, into, { onWarning: (text) => warnings.push(text) });
    expect(await failure(fetching)).toMatchObject({ code: 'NOT_A_FILE' });
    expect({ asked, warnings }).toEqual({ asked: [], warnings: [] });
  });
});

import { image, imageIndex, layoutFiles, layoutTar, tar, tarLayer, type LayoutEntry, type Packaged } from '@cfskit/fixtures';
import { parsePlatform } from '@cfskit/oci-spec';
import type { TestRepository } from '@cfskit/registry/testing';
import { writeFile } from 'node:fs/promises';

export const AMD64 = parsePlatform('linux/amd64');
export const ARM64 = parsePlatform('linux/arm64');

export const tarA = tar([
  { path: 'etc/', type: 'dir' },
  { path: 'etc/hostname', content: 'box\n' },
  { path: 'data', content: 'x'.repeat(5000) },
]);
const tarB = tar([{ path: 'b', content: 'beta' }]);
export const layerA = tarLayer(tarA, 'gzip');
export const layerB = tarLayer(tarB, 'zstd');
export const layerC = tarLayer(tar([{ path: 'c', content: 'gamma' }]), 'none');

/** Two layers of different compression, one of them twice. */
export const amd64: Packaged = image({ layers: [layerA, layerB, layerA], platform: AMD64 });
export const arm64: Packaged = image({ layers: [layerC], platform: ARM64 });
export const index: Packaged = imageIndex([
  { image: amd64, platform: AMD64 },
  { image: arm64, platform: ARM64 },
]);

/** Puts an image, or an index with its images, into a test registry. */
export function stock(repository: TestRepository, packaged: Packaged, tag: string): void {
  for (const { bytes, descriptor } of packaged.blobs.slice(1)) repository.put(bytes, descriptor.mediaType);
  repository.put(packaged.bytes, packaged.descriptor.mediaType, tag);
}

/** Writes an OCI layout in a tar. */
export async function writeArchive(path: string, entries: readonly LayoutEntry[]): Promise<string> {
  await writeFile(path, layoutTar(layoutFiles(entries)));
  return path;
}

/** All bytes of a stream. */
export async function bytesOf(stream: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  return Uint8Array.from(Buffer.concat(await Array.fromAsync(stream)));
}

/** The error that `work` fails with, or undefined. */
export async function failure(work: Promise<unknown>): Promise<unknown> {
  return await work.then(
    () => undefined,
    (error: unknown) => error,
  );
}

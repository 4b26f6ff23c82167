import { createHash } from 'node:crypto';
import { lstat, readdir, readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { Blob, Packaged } from '@cfskit/fixtures';
import { isManifest } from '@cfskit/oci-spec';
import type { TestRegistry } from '@cfskit/registry/testing';

/** Put an image or index, with all that it names, into a test registry. */
export function putImage(registry: TestRegistry, repository: string, image: Packaged, tag: string): void {
  const place = registry.repository(repository);
  for (const { bytes, descriptor } of image.blobs) place.put(bytes, descriptor.mediaType);
  place.put(image.bytes, image.descriptor.mediaType, tag);
}

/** Config and layers of an image. */
export function contentOf({ blobs }: Packaged): readonly Blob[] {
  return blobs.filter(({ descriptor }) => !isManifest(descriptor.mediaType));
}

/** Every file of a directory with the hash of its content, every link with its target. */
export async function contentsOf(directory: string): Promise<Readonly<Record<string, string>>> {
  const names = (await readdir(directory, { recursive: true })).toSorted();
  const entries = await Promise.all(names.map(async (name) => [name, await describeEntry(join(directory, name))] as const));
  return Object.fromEntries(entries);
}

async function describeEntry(path: string): Promise<string> {
  const stats = await lstat(path);
  if (stats.isSymbolicLink()) return `-> ${await readlink(path)}`;
  if (stats.isDirectory()) return 'directory';
  return createHash('sha256')
    .update(await readFile(path))
    .digest('hex');
}

import { digestAlgorithm, digestOf, parseDigest, type Descriptor, type Platform } from '@cfskit/oci-spec';
import type { ImageReference } from '@cfskit/oci-ref';
import { open, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { hasCode, ImageProxyError } from './errors.ts';
import type { Skopeo } from './skopeo.ts';
import { skopeoReference } from './skopeo-reference.ts';

const CHUNK = 512 * 1024;

/** How an image is copied. */
export interface CopyOptions {
  readonly platform: Platform;
  readonly signal: AbortSignal | undefined;
  readonly stallMs: number;
}

/** An image that skopeo has copied into a directory. */
export interface StagedCopy {
  readonly path: string;
  /** Of the image at its source. */
  readonly digest: string;
  readonly manifestRaw: Uint8Array;
}

/**
 * Let skopeo copy an image into `path`, as a `dir:`, which unlike `oci:` keeps every byte: manifests of Docker and layers that are not compressed. Only
 * what comes out of `containers-storage:` cannot be copied as it is: its layers come uncompressed, under their diff_ids, and its manifest is asked for.
 *
 * @throws {ImageProxyError} SKOPEO_FAILED, STALLED; the signal's reason
 */
export async function stageCopy(skopeo: Skopeo, reference: ImageReference, path: string, options: CopyOptions): Promise<StagedCopy> {
  const isStorage = reference.transport === 'containers-storage';
  const original = isStorage ? await skopeo.inspectRaw(reference, options) : undefined;
  const keep = isStorage ? [] : ['--preserve-digests'];
  const args = ['--quiet', '--retry-times', '2', ...keep, skopeoReference(reference), `dir:${path}`];
  await skopeo.run('copy', args, { ...options, progress: () => sizeOfFiles(path) });
  const manifestRaw = original ?? new Uint8Array(await readFile(join(path, 'manifest.json')));
  return { path, manifestRaw, digest: digestOf(manifestRaw) };
}

/** The size of a blob that has been copied; undefined if it has not. */
export async function stagedSize({ path }: StagedCopy, digest: string): Promise<number | undefined> {
  try {
    return (await stat(fileOf(path, digest))).size;
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

/** The bytes of a blob. @throws {ImageProxyError} BLOB_NOT_FOUND, SIZE_MISMATCH; the signal's reason */
export async function* stagedBlob(
  { path }: StagedCopy,
  { digest, size }: Descriptor,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array, void> {
  signal?.throwIfAborted();
  const file = await open(fileOf(path, digest)).catch((cause: unknown) => {
    if (!hasCode(cause, 'ENOENT')) throw cause;
    throw new ImageProxyError('BLOB_NOT_FOUND', `skopeo has not copied a blob ${digest}`, { digest, cause });
  });
  try {
    const found = (await file.stat()).size;
    if (found !== size) throw new ImageProxyError('SIZE_MISMATCH', `wanted ${size} bytes of ${digest}, found ${found}`, { digest });
    for (;;) {
      const block = new Uint8Array(Buffer.allocUnsafeSlow(CHUNK).buffer);
      const { bytesRead } = await file.read(block);
      signal?.throwIfAborted();
      if (bytesRead === 0) return;
      yield block.subarray(0, bytesRead);
    }
  } finally {
    await file.close();
  }
}

/** The names of a `dir:` are the digests without their algorithm. */
function fileOf(path: string, digest: string): string {
  digestAlgorithm(digest); // or it might be any name
  return join(path, parseDigest(digest).encoded);
}

async function sizeOfFiles(directory: string): Promise<number> {
  const names = await readdir(directory);
  const sizes = await Promise.all(names.map(async (name) => (await stat(join(directory, name))).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}

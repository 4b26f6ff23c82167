import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { digestAlgorithm, parseDigest, verified, VerifyError, type Descriptor } from '@cfskit/oci-spec';
import { fetchBlobFile } from '@cfskit/ocidir';
import type { BlobSink } from './blob-sink.ts';

/**
 * The name of a layer's file: `sha256-<hex>.layer`. A digest is checked before it becomes part of a name.
 *
 * @throws {OciSpecError} INVALID_DIGEST, UNKNOWN_ALGORITHM
 */
export function layerFileName(digest: string): string {
  digestAlgorithm(digest);
  const { algorithm, encoded } = parseDigest(digest);
  return `${algorithm}-${encoded}.layer`;
}

/** A directory of layers. */
export function layerDirectory(directory: string): Pick<BlobSink, 'hasBlob' | 'fetchBlob'> {
  return {
    hasBlob: (descriptor, signal) => hasContent(join(directory, layerFileName(descriptor.digest)), descriptor, signal),
    fetchBlob: (descriptor, openAt, options) => fetchBlobFile(directory, layerFileName(descriptor.digest), descriptor, openAt, options),
  };
}

const READ_FLAGS = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);
const READ_SIZE = 512 * 1024;

/** Whether a regular file has this content; it is read and hashed. */
async function hasContent(path: string, descriptor: Descriptor, signal: AbortSignal | undefined): Promise<boolean> {
  const file = await open(path, READ_FLAGS).catch(() => undefined);
  if (file === undefined) return false;
  try {
    const stats = await file.stat();
    return stats.isFile() && stats.size === descriptor.size && (await isRight(file, descriptor, signal));
  } finally {
    await file.close();
  }
}

async function isRight(file: FileHandle, descriptor: Descriptor, signal: AbortSignal | undefined): Promise<boolean> {
  try {
    const stream = file.createReadStream({ autoClose: false, start: 0, highWaterMark: READ_SIZE, ...(signal && { signal }) });
    const chunks = verified(stream, descriptor);
    while ((await chunks.next()).done !== true); // only the verdict counts
    return true;
  } catch (error) {
    if (error instanceof VerifyError) return false;
    throw error;
  }
}

import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { blobChunks } from './blob.ts';
import { OciDirError } from './errors.ts';
import { readInside, realDirectory } from './layout-directory.ts';
import { complaintAboutHeader } from './layout-header.ts';
import { LayoutReader } from './layout-reader.ts';
import type { LayoutStore } from './layout-store.ts';
import { skopeoHint } from './skopeo-hint.ts';

/** How a layout is opened. */
export interface OpenOciDirOptions {
  /** What `resolve` looks for when it is not told: the tag of an `oci:path:tag` reference. */
  readonly tag?: string;
  /** Refuse a layout whose `oci-layout` file is missing or of another version, instead of warning. */
  readonly strict?: boolean;
}

/**
 * Open the OCI image layout in the directory `path`.
 *
 * Nothing stays open and nothing is kept: each call reads what it needs, so a layout that changes is seen as it is.
 *
 * @throws {OciDirError} NOT_A_LAYOUT, or LAYOUT_VERSION when `strict`
 */
export async function openOciDir(path: string, options: OpenOciDirOptions = {}): Promise<OciDir> {
  const root = await realRoot(path, options.tag);
  const store: LayoutStore = {
    readFile: (file, limit) => readInside(root, file, limit),
    blobChunks: (descriptor, signal) => blobChunks(root, descriptor, signal),
  };
  const complaint = await complaintAboutHeader(store.readFile);
  if (complaint !== undefined && options.strict === true) throw new OciDirError('LAYOUT_VERSION', path, complaint);
  return new OciDir({ transport: 'oci', path, store, tag: options.tag, complaint });
}

/** An OCI image layout in a directory, for reading. Made by {@link openOciDir}. */
export class OciDir extends LayoutReader {}

async function realRoot(path: string, tag: string | undefined): Promise<string> {
  const root = await realDirectory(path, async () => `Opening OCI layout directory ${path}${await skopeoHint(path, tag)}`);
  if (await hasBlobs(root)) return root;
  throw new OciDirError('NOT_A_LAYOUT', path, `Opening OCI directory ${path}: no directory blobs/sha256`);
}

/** Whether there is a place for blobs; one for sha512 alone will do. */
async function hasBlobs(root: string): Promise<boolean> {
  for (const algorithm of ['sha256', 'sha512', 'sha384']) {
    const stats = await stat(join(root, 'blobs', algorithm)).catch(() => undefined);
    if (stats?.isDirectory() === true) return true;
  }
  return false;
}

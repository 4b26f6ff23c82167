import { lstat, mkdir, readdir, readFile, realpath, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { syncDirectory } from '@cfskit/linux';
import { digestOf, isIndex, isManifest, verified, type Descriptor } from '@cfskit/oci-spec';
import { writeAtomically } from './atomic-file.ts';
import { fetchBlobFile, type FetchBlobOptions, type FetchedBlob, type OpenBlobAt } from './blob-file.ts';
import { toAsync, type BlobSource } from './blob-source.ts';
import { DIR_MANIFEST, DIR_VERSION, DIR_VERSION_START, DIR_VERSION_TEXT, dirBlobName, dirInstanceName } from './dir-image.ts';
import { hasCode, OciDirError } from './errors.ts';
import { childrenOf, isForeign, neededBlob, parseEither } from './manifest-document.ts';
import type { WriteOptions } from './oci-layout-writer.ts';
import { replaceDirectory } from './replace-directory.ts';
import { aboutTarget, temporaryName } from './temporary-file.ts';

/**
 * Start a directory as skopeo's `dir:` has it. Nothing has the name `path` before {@link DirImageWriter.finish}.
 *
 * @throws {OciDirError} EXISTS: there is something that is neither an empty directory nor one of this kind
 */
export async function openDirImageWriter(path: string): Promise<DirImageWriter> {
  await requireReplaceable(resolve(path));
  const target = await realpath(path).catch(() => resolve(path)); // where a link leads to, so that it stays one
  const directory = temporaryName(target);
  await aboutTarget(path, directory, mkdir(directory));
  return new DirImageWriter(path, target, directory);
}

/** How the image's own manifest is written. */
export interface PutDirManifestOptions extends WriteOptions {
  /** If not said: what the document says of itself, or else the OCI type for its form. */
  readonly mediaType?: string;
}

/** Writes one image, or an index with its images, into a directory of skopeo. Made by {@link openDirImageWriter}. */
export class DirImageWriter {
  /** As it was given. */
  readonly path: string;
  readonly #target: string;
  readonly #directory: string;
  #done = false;

  constructor(path: string, target: string, directory: string) {
    this.path = path;
    this.#target = target;
    this.#directory = directory;
  }

  /** Whether the blob has been written. */
  async hasBlob(descriptor: Descriptor): Promise<boolean> {
    const stats = await stat(join(this.#directory, fileNameOf(descriptor))).catch(() => undefined);
    return stats?.size === descriptor.size;
  }

  /**
   * Write a blob, checked while it passes. Manifests that an index names are blobs too; their media type tells them from others.
   *
   * @throws {VerifyError} SIZE_MISMATCH, DIGEST_MISMATCH, and whatever `source` throws {OciDirError} UNSUPPORTED_DIGEST
   */
  async putBlob(descriptor: Descriptor, source: BlobSource, options: WriteOptions = {}): Promise<void> {
    const name = fileNameOf(descriptor);
    await writeAtomically(this.#directory, verified(toAsync(source), descriptor), () => name, options.signal);
  }

  /**
   * Fetch a blob, checked while it passes; see {@link fetchBlobFile}. An image that was interrupted begins again.
   *
   * @throws {VerifyError} SIZE_MISMATCH, DIGEST_MISMATCH, and whatever the source throws {OciDirError} UNSUPPORTED_DIGEST
   */
  async fetchBlob(descriptor: Descriptor, openAt: OpenBlobAt, options: FetchBlobOptions = {}): Promise<FetchedBlob> {
    return await fetchBlobFile(this.#directory, fileNameOf(descriptor), descriptor, openAt, options);
  }

  /**
   * Write the image's own manifest or index, exactly these bytes. A second one replaces the first.
   *
   * @throws {OciDirError} BLOB_NOT_FOUND: a blob that it names has not been written {OciSpecError} UNEXPECTED_MEDIA_TYPE, and what
   *   parsing `raw` gives
   */
  async putManifest(raw: Uint8Array, options: PutDirManifestOptions = {}): Promise<Descriptor> {
    const document = parseEither(raw, options.mediaType);
    for (const child of childrenOf(document)) {
      if (!isForeign(child) && !(await this.hasBlob(child))) throw neededBlob(fileNameOf(child), child);
    }
    await writeAtomically(this.#directory, toAsync([raw]), () => DIR_MANIFEST, options.signal);
    return { mediaType: document.mediaType, digest: digestOf(raw), size: raw.byteLength };
  }

  /**
   * Give the directory its name. An older one of this kind is replaced, in one step where the system can do that.
   *
   * @throws {OciDirError} EXISTS: something else has the name meanwhile
   */
  async finish(): Promise<void> {
    await writeAtomically(this.#directory, toAsync([new TextEncoder().encode(DIR_VERSION_TEXT)]), () => DIR_VERSION);
    await requireReplaceable(this.#target);
    const old = await this.#takeName();
    this.#done = true;
    await syncDirectory(dirname(this.#target));
    if (old !== undefined) await rm(old, { recursive: true, force: true });
  }

  /** Remove what has been written. After `finish`, or a second time, nothing happens. */
  async abort(): Promise<void> {
    if (this.#done) return;
    this.#done = true;
    await rm(this.#directory, { recursive: true, force: true });
  }

  async #takeName(): Promise<string | undefined> {
    try {
      return await replaceDirectory(this.#directory, this.#target, temporaryName(this.#target));
    } catch (error) {
      if (hasCode(error, 'ENOTEMPTY', 'EEXIST', 'ENOTDIR')) throw occupied(this.#target);
      throw error;
    }
  }
}

function fileNameOf({ digest, mediaType }: Descriptor): string {
  return isManifest(mediaType) || isIndex(mediaType) ? dirInstanceName(digest) : dirBlobName(digest);
}

async function requireReplaceable(target: string): Promise<void> {
  try {
    const names = await readdir(target);
    if (names.length === 0) return;
    const version = await readFile(join(target, DIR_VERSION), 'latin1');
    if (version.startsWith(DIR_VERSION_START)) return;
  } catch (error) {
    if (hasCode(error, 'ENOENT') && !(await exists(target))) return;
    if (!hasCode(error, 'ENOENT', 'ENOTDIR', 'EISDIR')) throw error;
  }
  throw occupied(target);
}

function occupied(target: string): OciDirError {
  return new OciDirError('EXISTS', target, `there is something else in the place of a dir: image, which is not replaced: ${target}`);
}

async function exists(path: string): Promise<boolean> {
  return await lstat(path).then(
    () => true,
    () => false,
  );
}

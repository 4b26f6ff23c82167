import { mkdir, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import {
  createHash,
  digestOf,
  mediaTypes,
  parseDigest,
  verified,
  VerifyError,
  type Descriptor,
  type HashAlgorithm,
} from '@cfskit/oci-spec';
import { writeAtomically } from './atomic-file.ts';
import { blobChunks, blobPath, hasBlobFile } from './blob.ts';
import { fetchBlobFile, type FetchBlobOptions, type FetchedBlob, type OpenBlobAt } from './blob-file.ts';
import { toAsync, type BlobSource } from './blob-source.ts';
import { canonicalJson } from './canonical-json.ts';
import { whileLocked } from './directory-lock.ts';
import { hasCode, OciDirError, type OciDirErrorCode } from './errors.ts';
import { indexEntry, withEntry, type EntryOptions } from './index-entry.ts';
import { isInside, openInside, readInside } from './layout-directory.ts';
import { LAYOUT_HEADER, LAYOUT_VERSION } from './layout-header.ts';
import { LAYOUT_INDEX, readLayoutIndex } from './layout-index.ts';
import { childrenOf, isForeign, neededBlob, parseEither } from './manifest-document.ts';

/** How a blob is written. */
export interface WriteOptions {
  /** Ends the write; nothing gets a name. */
  readonly signal?: AbortSignal;
}

/** How a blob is written whose digest is not known yet. */
export interface AddBlobOptions extends WriteOptions {
  /** Of the digest that is computed; sha256 if not said. */
  readonly algorithm?: HashAlgorithm;
}

/** How a manifest is entered into the layout's index. */
export interface PutManifestOptions extends EntryOptions, AddBlobOptions {
  /** If not said: what the document says of itself, or else the OCI type for its form. */
  readonly mediaType?: string;
  /** Enter it although what it names is not there, for a layout of manifests alone. */
  readonly withoutBlobs?: boolean;
}

/**
 * Open a layout for writing. A directory that is not there is made, and so are `oci-layout` and `blobs/sha256`; what is there stays.
 *
 * There may be several at a time, in several processes: the index is changed while the directory is locked. Only where nothing can be
 * locked, two that enter manifests at the same moment can lose one entry.
 *
 * @throws {OciDirError} EXISTS: something else is there, or in place of a directory above; OUTSIDE_LAYOUT: `blobs` is a symbolic link out
 *   of the directory
 */
export async function openOciLayoutWriter(path: string): Promise<OciLayoutWriter> {
  await makeDirectory(path);
  const root = await realpath(path);
  await blobDirectory(root, 'sha256');
  const header = await openInside(root, LAYOUT_HEADER);
  await header?.handle.close();
  if (header === undefined) await writeWhole(root, LAYOUT_HEADER, canonicalJson({ imageLayoutVersion: LAYOUT_VERSION }));
  return new OciLayoutWriter(path, root);
}

/**
 * Writes blobs and manifests into an OCI image layout. Made by {@link openOciLayoutWriter}.
 *
 * Whatever it writes gets its name only when it is complete, checked and on the disk; a manifest only when everything it names is there.
 */
export class OciLayoutWriter {
  /** As it was given. */
  readonly path: string;
  readonly #root: string;
  #indexUpdates: Promise<unknown> = Promise.resolve();

  constructor(path: string, root: string) {
    this.path = path;
    this.#root = root;
  }

  /**
   * Whether the blob is there and is what its digest says: it is read and hashed.
   *
   * @throws {OciDirError} UNSUPPORTED_DIGEST, OUTSIDE_LAYOUT, NOT_A_FILE
   */
  async hasBlob(descriptor: Descriptor, options: WriteOptions = {}): Promise<boolean> {
    try {
      const chunks = verified(blobChunks(this.#root, descriptor, options.signal), descriptor);
      while ((await chunks.next()).done !== true); // only the verdict counts
      return true;
    } catch (error) {
      if (error instanceof VerifyError) return false;
      if (error instanceof OciDirError && NOT_RIGHT.has(error.code)) return false;
      throw error;
    }
  }

  /**
   * Write a blob whose digest is known. It is checked while it passes, and replaces a file of that name.
   *
   * @throws {VerifyError} SIZE_MISMATCH, DIGEST_MISMATCH: then there is no such blob, or still the old one
   * @throws {OciDirError} UNSUPPORTED_DIGEST, OUTSIDE_LAYOUT, and whatever `source` throws
   */
  async putBlob(descriptor: Descriptor, source: BlobSource, options: WriteOptions = {}): Promise<void> {
    blobPath(descriptor.digest);
    const { algorithm, encoded } = parseDigest(descriptor.digest);
    const directory = await blobDirectory(this.#root, algorithm);
    await writeAtomically(directory, verified(toAsync(source), descriptor), () => encoded, options.signal);
  }

  /**
   * Fetch a blob, and go on where an earlier fetch into this layout was interrupted; see {@link fetchBlobFile}.
   *
   * @throws {VerifyError} SIZE_MISMATCH, DIGEST_MISMATCH
   * @throws {OciDirError} UNSUPPORTED_DIGEST, OUTSIDE_LAYOUT, NOT_A_FILE, and whatever the source throws
   */
  async fetchBlob(descriptor: Descriptor, openAt: OpenBlobAt, options: FetchBlobOptions = {}): Promise<FetchedBlob> {
    blobPath(descriptor.digest);
    const { algorithm, encoded } = parseDigest(descriptor.digest);
    return await fetchBlobFile(await blobDirectory(this.#root, algorithm), encoded, descriptor, openAt, options);
  }

  /**
   * Write a blob and find out its digest and size on the way.
   *
   * @throws {OciDirError} OUTSIDE_LAYOUT, and whatever `source` throws
   */
  async addBlob(source: BlobSource, mediaType: string, options: AddBlobOptions = {}): Promise<Descriptor> {
    const { algorithm = 'sha256', signal } = options;
    const directory = await blobDirectory(this.#root, algorithm);
    const hash = createHash(algorithm);
    let size = 0;
    let encoded = '';
    async function* counted(): AsyncGenerator<Uint8Array, void> {
      for await (const chunk of source) {
        hash.update(chunk);
        size += chunk.byteLength;
        yield chunk;
      }
      encoded = hash.digestHex();
    }
    await writeAtomically(directory, counted(), () => encoded, signal);
    return { mediaType, digest: `${algorithm}:${encoded}`, size };
  }

  /**
   * Write a manifest or index, exactly these bytes, and enter it at the end of the layout's index. An entry with the same tag goes.
   *
   * @returns the entry
   * @throws {OciDirError} BLOB_NOT_FOUND, SIZE_MISMATCH: a blob that it names is not there; INVALID_INDEX: the layout's index is broken
   * @throws {OciSpecError} UNEXPECTED_MEDIA_TYPE, and what parsing `raw` gives
   */
  async putManifest(raw: Uint8Array, options: PutManifestOptions = {}): Promise<Descriptor> {
    const document = parseEither(raw, options.mediaType);
    if (options.withoutBlobs !== true) await this.#needBlobs(childrenOf(document));
    const { algorithm = 'sha256' } = options;
    const descriptor = { mediaType: document.mediaType, digest: digestOf(raw, algorithm), size: raw.byteLength };
    await this.putBlob(descriptor, [raw], options);
    const entry = indexEntry(descriptor, document.manifest, options);
    const enter = (): Promise<void> => whileLocked(this.#root, options.signal, () => this.#enter(entry));
    this.#indexUpdates = this.#indexUpdates.catch(() => undefined).then(enter); // one after the other, in order
    await this.#indexUpdates;
    return entry;
  }

  async #needBlobs(descriptors: readonly Descriptor[]): Promise<void> {
    for (const descriptor of descriptors) {
      if (isForeign(descriptor) || (await hasBlobFile(this.#root, descriptor))) continue;
      throw neededBlob(blobPath(descriptor.digest), descriptor);
    }
  }

  async #enter(entry: Descriptor): Promise<void> {
    const index = await readLayoutIndex((path, limit) => readInside(this.#root, path, limit));
    await writeWhole(this.#root, LAYOUT_INDEX, canonicalJson(withEntry(index, EMPTY_INDEX, entry)));
  }
}

/** A foreign layer that is not there is one that may be fetched. */
const NOT_RIGHT: ReadonlySet<OciDirErrorCode> = new Set(['BLOB_NOT_FOUND', 'FOREIGN_LAYER', 'SIZE_MISMATCH']);

const EMPTY_INDEX = { schemaVersion: 2, mediaType: mediaTypes.index };

async function makeDirectory(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true });
  } catch (cause) {
    if (!hasCode(cause, 'EEXIST', 'ENOTDIR', 'ENOENT')) throw cause; // ENOENT: a link to nothing
    throw new OciDirError('EXISTS', path, `wanted a directory for a layout, found something else: ${path}`, { cause });
  }
}

/** The directory for blobs of one algorithm, made if need be; its real path. */
async function blobDirectory(root: string, algorithm: string): Promise<string> {
  let real = root;
  for (const name of ['blobs', algorithm]) {
    const path = join(real, name);
    await mkdir(path, { recursive: true });
    real = await realpath(path);
    if (!isInside(root, real)) throw new OciDirError('OUTSIDE_LAYOUT', 'blobs', `blobs leads out of the layout, to ${real}`);
  }
  return real;
}

async function writeWhole(directory: string, name: string, bytes: Uint8Array): Promise<void> {
  await writeAtomically(directory, toAsync([bytes]), () => name);
}

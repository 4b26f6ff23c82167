import { concatBytes } from '@cfskit/binary';
import { appendBlob, BlobVerifier, digestOf, mediaTypes, type Descriptor } from '@cfskit/oci-spec';
import { blobPath } from './blob.ts';
import type { FetchBlobOptions, FetchedBlob, OpenBlobAt } from './blob-file.ts';
import { toAsync, type BlobSource } from './blob-source.ts';
import { canonicalJson } from './canonical-json.ts';
import { OciDirError } from './errors.ts';
import { writeFully } from './file-chunks.ts';
import { indexEntry, withEntry } from './index-entry.ts';
import { LAYOUT_HEADER, LAYOUT_VERSION } from './layout-header.ts';
import { LAYOUT_INDEX } from './layout-index.ts';
import { childrenOf, isForeign, neededBlob, parseEither } from './manifest-document.ts';
import type { PutManifestOptions, WriteOptions } from './oci-layout-writer.ts';
import { TAR_END_SIZE, tarDirectoryHeader, tarFileHeader, tarPadding } from './tar-entry.ts';
import { openTemporaryFile, type TemporaryFile } from './temporary-file.ts';

/**
 * Start an OCI layout in a tar. Nothing has the name `path` before {@link OciArchiveWriter.finish}, which replaces the file that is there,
 * or that a link leads to.
 *
 * @throws {OciDirError} EXISTS: something is there that is no regular file
 */
export async function openOciArchiveWriter(path: string): Promise<OciArchiveWriter> {
  return new OciArchiveWriter(path, await openTemporaryFile(path));
}

interface Slot {
  readonly start: number;
  readonly size: number;
  /** What stands before the content: headers of directories that come first here, and its own. */
  readonly head: Uint8Array;
  complete: boolean;
  writing: Promise<void> | undefined;
}

/**
 * Writes an OCI image layout into a tar. Made by {@link openOciArchiveWriter}.
 *
 * Several blobs may be written at once: each gets its place, by its size, when it is begun. The order of the calls is the order in the
 * tar, so that the same calls give the same archive.
 */
export class OciArchiveWriter {
  /** As it was given. */
  readonly path: string;
  readonly #file: TemporaryFile;
  readonly #slots = new Map<string, Slot>();
  readonly #directories = new Set<string>();
  #index: object = { schemaVersion: 2, mediaType: mediaTypes.index, manifests: [] };
  #end = 0;

  constructor(path: string, file: TemporaryFile) {
    this.path = path;
    this.#file = file;
  }

  /** Whether the blob has been written. */
  hasBlob(descriptor: Descriptor): Promise<boolean> {
    const slot = this.#slots.get(blobPath(descriptor.digest));
    return Promise.resolve(slot?.complete === true && slot.size === descriptor.size);
  }

  /**
   * Write a blob, checked while it passes. One that is there already is not read again; one that failed can be written again.
   *
   * @throws {VerifyError} SIZE_MISMATCH, DIGEST_MISMATCH, and whatever `source` throws
   * @throws {OciDirError} UNSUPPORTED_DIGEST, SIZE_MISMATCH: it was begun with another size
   */
  async putBlob(descriptor: Descriptor, source: BlobSource, options: WriteOptions = {}): Promise<void> {
    await this.fetchBlob(descriptor, () => ({ start: 0, chunks: toAsync(source) }), options);
  }

  /**
   * Fetch a blob from its beginning, as {@link OciArchiveWriter.putBlob} writes one.
   *
   * @throws {VerifyError} {OciDirError} as there, and whatever the source throws
   */
  async fetchBlob(descriptor: Descriptor, openAt: OpenBlobAt, options: FetchBlobOptions = {}): Promise<FetchedBlob> {
    const path = blobPath(descriptor.digest);
    const slot = this.#slotFor(path, descriptor);
    while (slot.writing !== undefined) await slot.writing.catch(() => undefined);
    if (slot.complete) return { fetched: 0, resumed: 0 };
    slot.writing = this.#writeBlob(slot, descriptor, openAt, options);
    try {
      await slot.writing;
      slot.complete = true;
      return { fetched: descriptor.size, resumed: 0 };
    } finally {
      slot.writing = undefined;
    }
  }

  /**
   * Write a manifest or index, exactly these bytes, and enter it at the end of the layout's index. An entry with the same tag goes.
   *
   * @returns the entry
   * @throws {OciDirError} BLOB_NOT_FOUND: a blob that it names has not been written {OciSpecError} UNEXPECTED_MEDIA_TYPE, and what
   *   parsing `raw` gives
   */
  async putManifest(raw: Uint8Array, options: PutManifestOptions = {}): Promise<Descriptor> {
    const document = parseEither(raw, options.mediaType);
    if (options.withoutBlobs !== true) for (const child of childrenOf(document)) await this.#need(child);
    const { algorithm = 'sha256' } = options;
    const descriptor = { mediaType: document.mediaType, digest: digestOf(raw, algorithm), size: raw.byteLength };
    await this.putBlob(descriptor, [raw], options);
    const entry = indexEntry(descriptor, document.manifest, options);
    this.#index = withEntry(undefined, this.#index, entry);
    return entry;
  }

  /**
   * Write the index and the end, put all on the disk, and give the archive its name.
   *
   * @throws {OciDirError} BLOB_NOT_FOUND: a blob was begun and failed; EXISTS: something else has the name meanwhile
   */
  async finish(): Promise<void> {
    for (const [path, { complete }] of this.#slots) {
      if (!complete) throw new OciDirError('BLOB_NOT_FOUND', path, `a blob of the archive is not complete: ${path}`);
    }
    await this.#putFile(LAYOUT_INDEX, canonicalJson(this.#index));
    await this.#putFile(LAYOUT_HEADER, canonicalJson({ imageLayoutVersion: LAYOUT_VERSION }));
    await this.#file.handle.truncate(this.#end + TAR_END_SIZE); // grows the file with zeros
    await this.#file.commit();
  }

  /** Remove what has been written. After `finish`, or a second time, nothing happens. */
  async abort(): Promise<void> {
    await this.#file.discard();
  }

  async #need(descriptor: Descriptor): Promise<void> {
    if (isForeign(descriptor) || (await this.hasBlob(descriptor))) return;
    throw neededBlob(blobPath(descriptor.digest), descriptor);
  }

  #slotFor(path: string, { digest, size }: Descriptor): Slot {
    const slot = this.#slots.get(path) ?? { ...this.#reserve(path, size), complete: false, writing: undefined };
    if (slot.size !== size)
      throw new OciDirError('SIZE_MISMATCH', path, `Expected size ${slot.size} but found ${size}: blob ${digest}`, { digest });
    this.#slots.set(path, slot);
    return slot;
  }

  /** Make room for an entry at the end, without waiting for anything. */
  #reserve(path: string, size: number): Pick<Slot, 'start' | 'size' | 'head'> {
    const start = this.#end;
    const head = concatBytes([...this.#newDirectories(path).map(tarDirectoryHeader), tarFileHeader(path, size)]);
    this.#end += head.byteLength + size + tarPadding(size);
    return { start, size, head };
  }

  /** Those above `path` that have no entry yet: skopeo gives directories that it makes up to root, which only root may do. */
  #newDirectories(path: string): readonly string[] {
    const names = path.split('/').slice(0, -1);
    const above = names.map((_, index) => names.slice(0, index + 1).join('/')).filter((name) => !this.#directories.has(name));
    for (const name of above) this.#directories.add(name);
    return above;
  }

  async #putFile(path: string, bytes: Uint8Array): Promise<void> {
    const { start, head } = this.#reserve(path, bytes.byteLength);
    await writeFully(this.#file.handle, concatBytes([head, bytes]), start);
  }

  async #writeBlob(slot: Slot, descriptor: Descriptor, openAt: OpenBlobAt, options: FetchBlobOptions): Promise<void> {
    const { start, head } = slot;
    await writeFully(this.#file.handle, head, start);
    const { chunks } = await openAt(0);
    const verifier = new BlobVerifier(descriptor);
    await appendBlob(this.#file.handle, chunks, verifier, { ...options, offset: start + head.byteLength });
    verifier.finish();
  }
}

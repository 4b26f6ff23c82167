import {
  chooseManifest,
  isManifest,
  nativePlatform,
  OciSpecError,
  parseManifest,
  readBlob,
  REF_NAME_ANNOTATION,
  tagsOf,
  type Descriptor,
  type ImageSource,
  type Index,
  type OpenOptions,
  type Parsed,
  type ResolvedManifest,
  type ResolveOptions,
} from '@cfskit/oci-spec';
import { describeReference } from './describe-reference.ts';
import { OciDirError } from './errors.ts';
import { rootEntry, type ImageRoot, type RootOptions } from './image-root.ts';
import { LAYOUT_INDEX, readLayoutIndex } from './layout-index.ts';
import { layoutManifests, type LayoutManifest } from './layout-manifests.ts';
import type { LayoutStore } from './layout-store.ts';
import { referrersAmong, type Referrer, type ReferrersOptions } from './referrers.ts';

const DELTA_TYPE = 'application/vnd.io.github.containers.oci-delta.v1';

/** A layout that has been opened. */
export interface OpenedLayout {
  /** As it begins a reference: `oci`, `oci-archive`. */
  readonly transport: string;
  readonly path: string;
  readonly store: LayoutStore;
  readonly tag: string | undefined;
  /** What is wrong with its `oci-layout` file. */
  readonly complaint: string | undefined;
}

/** What can be read from an OCI image layout, wherever its files are. */
export class LayoutReader implements ImageSource {
  /** As it was given. */
  readonly path: string;
  readonly #transport: string;
  readonly #store: LayoutStore;
  readonly #tag: string | undefined;
  readonly #complaint: string | undefined;

  constructor({ transport, path, store, tag, complaint }: OpenedLayout) {
    this.path = path;
    this.#transport = transport;
    this.#store = store;
    this.#tag = tag;
    this.#complaint = complaint;
  }

  /** The reference, `oci:path` or `oci:path:tag`. */
  describe(): string {
    return describeReference(this.#transport, this.path, this.#tag);
  }

  /**
   * Choose a manifest by tag and platform (default: of this machine) and read it, checked.
   *
   * @throws {OciDirError} {OciSpecError} TAG_NOT_FOUND, NO_MATCH and the others of `chooseManifest` {VerifyError}
   */
  async resolve(options: ResolveOptions = {}): Promise<ResolvedManifest> {
    options.signal?.throwIfAborted();
    if (this.#complaint !== undefined) options.onWarning?.(this.#complaint);
    const index = await this.index();
    const tag = options.tag ?? this.#tag;
    const platform = options.platform ?? nativePlatform(process);
    return await chooseManifest(index, this, { ...options, ...(tag !== undefined && { tag }), platform });
  }

  /**
   * The bytes of a blob, unverified, in chunks of 512 KiB. Memory does not grow with the blob.
   *
   * @throws {OciDirError} at the first chunk: BLOB_NOT_FOUND, SIZE_MISMATCH, UNSUPPORTED_DIGEST, NOT_A_FILE, OUTSIDE_LAYOUT
   */
  open(descriptor: Descriptor, options: OpenOptions = {}): AsyncIterable<Uint8Array> {
    return this.#store.blobChunks(descriptor, options.signal);
  }

  /**
   * The layout's own index.
   *
   * @throws {OciDirError} NO_INDEX, INVALID_INDEX, TOO_LARGE, NOT_A_FILE, OUTSIDE_LAYOUT
   */
  async index(): Promise<Parsed<Index>> {
    const index = await readLayoutIndex(this.#store.readFile);
    if (index !== undefined) return index;
    throw new OciDirError('NO_INDEX', LAYOUT_INDEX, 'Cannot find the Image Index (index.json)');
  }

  /**
   * What a tag names, before any choice by platform: a manifest or an index, checked. Without a tag the only entry of the layout.
   *
   * @throws {OciSpecError} TAG_NOT_FOUND, EMPTY_INDEX
   * @throws {OciDirError} AMBIGUOUS: several entries, none of them singled out {VerifyError}
   */
  async resolveRoot(options: RootOptions = {}): Promise<ImageRoot> {
    const index = await this.index();
    const descriptor = rootEntry(index, options.tag ?? this.#tag);
    return { descriptor, raw: await readBlob(this, descriptor, signalOf(options)) };
  }

  /** The tags, each once, in index order. Tags in nested indexes do not count. */
  async tags(): Promise<readonly string[]> {
    return tagsOf(await this.index());
  }

  /**
   * Every manifest of the layout, or of the entries with that tag, with its platform; nested indexes are entered.
   * Entries without a platform cost two reads each.
   *
   * @throws {OciDirError} {OciSpecError} {VerifyError}
   */
  async platforms(tag?: string, options: OpenOptions = {}): Promise<readonly LayoutManifest[]> {
    const { manifests } = await this.index();
    const entries = tag === undefined ? manifests : manifests.filter((entry) => entry.annotations?.[REF_NAME_ANNOTATION] === tag);
    return await Array.fromAsync(layoutManifests(entries, this, options));
  }

  /**
   * The manifests of the layout's own index whose `subject` is `digest`. Reads every manifest.
   *
   * @throws {OciDirError} {OciSpecError} {VerifyError}
   */
  async referrersOf(digest: string, options: ReferrersOptions = {}): Promise<readonly Referrer[]> {
    return await referrersAmong((await this.index()).manifests, digest, this, options);
  }

  /**
   * The manifest of a layout that consists of one delta artifact; undefined for any other layout. The tag does not matter, and an index
   * that cannot be read is left to {@link OciDir.resolve} to complain about.
   *
   * @throws {OciDirError} {OciSpecError} {VerifyError} the one manifest cannot be read
   */
  async deltaManifest(options: OpenOptions = {}): Promise<ResolvedManifest | undefined> {
    const descriptor = await this.#onlyEntry();
    if (descriptor === undefined || !isManifest(descriptor.mediaType)) return undefined;
    const raw = await readBlob(this, descriptor, options);
    return parseManifest(raw).artifactType === DELTA_TYPE ? { descriptor, raw } : undefined;
  }

  /** Release what is open: an archive's file. Blobs that are being read then fail. A second call does nothing. */
  async close(): Promise<void> {
    await this.#store.close?.();
  }

  async #onlyEntry(): Promise<Descriptor | undefined> {
    try {
      const { manifests } = await this.index();
      return manifests.length === 1 ? manifests[0] : undefined;
    } catch (error) {
      if (error instanceof OciDirError || error instanceof OciSpecError) return undefined;
      throw error;
    }
  }
}

function signalOf({ signal }: OpenOptions): OpenOptions {
  return signal === undefined ? {} : { signal };
}

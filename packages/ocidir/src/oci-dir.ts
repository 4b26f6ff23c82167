import { opendir, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
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
import { blobChunks } from './blob.ts';
import { hasCode, OciDirError } from './errors.ts';
import { complaintAboutHeader } from './layout-header.ts';
import { LAYOUT_INDEX, readLayoutIndex } from './layout-index.ts';
import { layoutManifests, type LayoutManifest } from './layout-manifests.ts';
import { referrersAmong, type Referrer, type ReferrersOptions } from './referrers.ts';
import { skopeoHint } from './skopeo-hint.ts';

/** How a layout is opened. */
export interface OpenOciDirOptions {
  /** What `resolve` looks for when it is not told: the tag of an `oci:path:tag` reference. */
  readonly tag?: string;
  /** Refuse a layout whose `oci-layout` file is missing or of another version, instead of warning. */
  readonly strict?: boolean;
}

const DELTA_TYPE = 'application/vnd.io.github.containers.oci-delta.v1';

/**
 * Open the OCI image layout in the directory `path`.
 *
 * Nothing stays open and nothing is kept: each call reads what it needs, so a layout that changes is seen as it is.
 *
 * @throws {OciDirError} NOT_A_LAYOUT, or LAYOUT_VERSION when `strict`
 */
export async function openOciDir(path: string, options: OpenOciDirOptions = {}): Promise<OciDir> {
  const root = await realRoot(path, options.tag);
  const complaint = await complaintAboutHeader(root);
  if (complaint !== undefined && options.strict === true) throw new OciDirError('LAYOUT_VERSION', path, complaint);
  return new OciDir({ path, root, tag: options.tag, complaint });
}

interface Opened {
  readonly path: string;
  readonly root: string;
  readonly tag: string | undefined;
  readonly complaint: string | undefined;
}

/** An OCI image layout in a directory, for reading. Made by {@link openOciDir}. */
export class OciDir implements ImageSource {
  /** As it was given. */
  readonly path: string;
  readonly #root: string;
  readonly #tag: string | undefined;
  readonly #complaint: string | undefined;

  constructor({ path, root, tag, complaint }: Opened) {
    this.path = path;
    this.#root = root;
    this.#tag = tag;
    this.#complaint = complaint;
  }

  /** `oci:path` or `oci:path:tag`. */
  describe(): string {
    const text = this.#tag === undefined ? `oci:${this.path}` : `oci:${this.path}:${this.#tag}`;
    return text.replaceAll(/\p{Cc}/gu, '?');
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
    return blobChunks(this.#root, descriptor, options.signal);
  }

  /**
   * The layout's own index.
   *
   * @throws {OciDirError} NO_INDEX, INVALID_INDEX, TOO_LARGE, NOT_A_FILE, OUTSIDE_LAYOUT
   */
  async index(): Promise<Parsed<Index>> {
    const index = await readLayoutIndex(this.#root);
    if (index !== undefined) return index;
    throw new OciDirError('NO_INDEX', LAYOUT_INDEX, 'Cannot find the Image Index (index.json)');
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

async function realRoot(path: string, tag: string | undefined): Promise<string> {
  const root = await realDirectory(path, tag);
  if (await hasBlobs(root)) return root;
  throw new OciDirError('NOT_A_LAYOUT', path, `Opening OCI directory ${path}: no directory blobs/sha256`);
}

async function realDirectory(path: string, tag: string | undefined): Promise<string> {
  try {
    const root = await realpath(path);
    await (await opendir(root)).close();
    return root;
  } catch (cause) {
    if (!hasCode(cause, 'ENOENT', 'ENOTDIR', 'EACCES', 'ELOOP', 'ENAMETOOLONG')) throw cause;
    const hint = await skopeoHint(path, tag);
    throw new OciDirError('NOT_A_LAYOUT', path, `Opening OCI layout directory ${path}${hint}`, { cause });
  }
}

/** Whether there is a place for blobs; one for sha512 alone will do. */
async function hasBlobs(root: string): Promise<boolean> {
  for (const algorithm of ['sha256', 'sha512', 'sha384']) {
    const stats = await stat(join(root, 'blobs', algorithm)).catch(() => undefined);
    if (stats?.isDirectory() === true) return true;
  }
  return false;
}

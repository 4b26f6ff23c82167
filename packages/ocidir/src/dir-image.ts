import {
  chooseManifest,
  digestOf,
  isIndex,
  isManifest,
  MAX_JSON_SIZE,
  nativePlatform,
  OciSpecError,
  parseDigest,
  REF_NAME_ANNOTATION,
  type Descriptor,
  type ImageSource,
  type OpenOptions,
  type ResolvedManifest,
  type ResolveOptions,
} from '@cfskit/oci-spec';
import { blobPath, fileBlobChunks } from './blob.ts';
import { describeReference } from './describe-reference.ts';
import { OciDirError } from './errors.ts';
import type { ImageRoot, RootOptions } from './image-root.ts';
import { openInside, readInside, realDirectory } from './layout-directory.ts';
import { parseEither } from './manifest-document.ts';

/** How a directory of skopeo is opened. */
export interface OpenDirImageOptions {
  /** Refuse a directory whose `version` file is missing or of another version, instead of warning. */
  readonly strict?: boolean;
}

/** The manifest or index of the image. */
export const DIR_MANIFEST = 'manifest.json';
/** Says that the directory is one of this kind. */
export const DIR_VERSION = 'version';
/** What stands in the version file. */
export const DIR_VERSION_TEXT = 'Directory Transport Version: 1.1\n';

/** What the version file begins with, in any version. */
export const DIR_VERSION_START = 'Directory Transport Version: ';

/**
 * Open the image in a directory as skopeo's `dir:` writes it: `manifest.json`, and every blob under the hexadecimal part of its digest.
 * It holds one image, or one index with all of its images, and has no tags.
 *
 * Nothing stays open: each call reads what it needs.
 *
 * @throws {OciDirError} NOT_A_LAYOUT, or LAYOUT_VERSION when `strict`
 */
export async function openDirImage(path: string, options: OpenDirImageOptions = {}): Promise<DirImage> {
  const root = await realRoot(path);
  const complaint = await complaintAboutVersion(root);
  if (complaint !== undefined && options.strict === true) throw new OciDirError('LAYOUT_VERSION', path, complaint);
  return new DirImage({ path, root, complaint });
}

interface Opened {
  readonly path: string;
  readonly root: string;
  readonly complaint: string | undefined;
}

/** The image in a directory of skopeo, for reading. Made by {@link openDirImage}. */
export class DirImage implements ImageSource {
  /** As it was given. */
  readonly path: string;
  readonly #root: string;
  readonly #complaint: string | undefined;

  constructor({ path, root, complaint }: Opened) {
    this.path = path;
    this.#root = root;
    this.#complaint = complaint;
  }

  /** The reference, `dir:path`. */
  describe(): string {
    return describeReference('dir', this.path, undefined);
  }

  /**
   * Choose a manifest by platform (default: of this machine). `manifest.json` has no digest to be checked against; what it names has.
   *
   * @throws {OciSpecError} TAG_NOT_FOUND: any tag; NO_MATCH and the others of `chooseManifest` {OciDirError} {VerifyError}
   */
  async resolve(options: ResolveOptions = {}): Promise<ResolvedManifest> {
    options.signal?.throwIfAborted();
    if (this.#complaint !== undefined) options.onWarning?.(this.#complaint);
    const { descriptor } = await this.resolveRoot(options);
    const entry = { ...descriptor, annotations: { [REF_NAME_ANNOTATION]: '' } };
    const platform = options.platform ?? nativePlatform(process);
    const found = await chooseManifest({ schemaVersion: 2, manifests: [entry] }, this, { ...options, tag: '', platform });
    return found.descriptor === entry ? { ...found, descriptor } : found;
  }

  /**
   * What `manifest.json` is: a manifest or an index.
   *
   * @throws {OciDirError} NO_INDEX, TOO_LARGE, NOT_A_FILE, OUTSIDE_LAYOUT {OciSpecError} TAG_NOT_FOUND, and what parsing gives
   */
  async resolveRoot({ tag }: RootOptions = {}): Promise<ImageRoot> {
    if (tag !== undefined) throw new OciSpecError('TAG_NOT_FOUND', `Tag '${tag}' not found: ${this.describe()} has no tags`);
    const raw = await readInside(this.#root, DIR_MANIFEST, MAX_JSON_SIZE);
    if (raw === undefined) throw new OciDirError('NO_INDEX', DIR_MANIFEST, `no ${DIR_MANIFEST} in ${this.path}`);
    const { mediaType } = parseEither(raw);
    return { descriptor: { mediaType, digest: digestOf(raw), size: raw.byteLength }, raw };
  }

  /**
   * The bytes of a blob, unverified, in chunks of 512 KiB.
   *
   * @throws {OciDirError} at the first chunk: BLOB_NOT_FOUND, FOREIGN_LAYER, SIZE_MISMATCH, UNSUPPORTED_DIGEST, NOT_A_FILE, OUTSIDE_LAYOUT
   */
  async *open(descriptor: Descriptor, { signal }: OpenOptions = {}): AsyncGenerator<Uint8Array, void> {
    signal?.throwIfAborted();
    yield* fileBlobChunks(this.#root, await this.#fileOf(descriptor), descriptor, signal);
  }

  /** Manifests of an index have names of their own, and the image's own manifest has no other name than `manifest.json`. */
  async #fileOf({ digest, mediaType }: Descriptor): Promise<string> {
    const name = dirBlobName(digest);
    if (!isManifest(mediaType) && !isIndex(mediaType)) return name;
    for (const path of [dirInstanceName(digest), name]) {
      const file = await openInside(this.#root, path);
      await file?.handle.close();
      if (file !== undefined) return path;
    }
    return DIR_MANIFEST;
  }
}

/**
 * Where such a directory keeps a blob.
 *
 * @throws {OciDirError} UNSUPPORTED_DIGEST
 */
export function dirBlobName(digest: string): string {
  blobPath(digest); // for its checks
  return parseDigest(digest).encoded;
}

/** Where such a directory keeps the manifests that its index names. */
export function dirInstanceName(digest: string): string {
  return `${dirBlobName(digest)}.manifest.json`;
}

const MAX_VERSION_SIZE = 4096;

/** What is wrong with the version file, in a sentence; undefined if nothing is. */
async function complaintAboutVersion(root: string): Promise<string | undefined> {
  try {
    const bytes = await readInside(root, DIR_VERSION, MAX_VERSION_SIZE);
    if (bytes === undefined) return `no ${DIR_VERSION} file in the directory`;
    const text = new TextDecoder().decode(bytes);
    if (text === DIR_VERSION_TEXT) return undefined;
    return `${DIR_VERSION}: wanted ${JSON.stringify(DIR_VERSION_TEXT)}, found ${JSON.stringify(text.slice(0, 100))}`;
  } catch (error) {
    if (error instanceof OciDirError) return `${DIR_VERSION} cannot be read: ${error.message}`;
    throw error;
  }
}

async function realRoot(path: string): Promise<string> {
  const root = await realDirectory(path, () => `Opening directory ${path}`);
  const file = await openInside(root, DIR_MANIFEST);
  await file?.handle.close();
  if (file !== undefined) return root;
  const index = await openInside(root, 'index.json').catch(() => undefined);
  await index?.handle.close();
  const hint = index === undefined ? '' : `; it looks like an OCI layout: oci:${path}`;
  throw new OciDirError('NOT_A_LAYOUT', path, `no ${DIR_MANIFEST} in ${path}${hint}`);
}

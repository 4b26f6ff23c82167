import { formatRegistryName, OciRefError, parseRegistryName } from '@cfskit/oci-ref';
import {
  formatPlatform,
  nativePlatform,
  OciSpecError,
  platformRank,
  type Descriptor,
  type ImageSource,
  type OpenOptions,
  type Platform,
  type ResolvedManifest,
  type ResolveOptions,
} from '@cfskit/oci-spec';
import { archiveBlob } from './archive-blob.ts';
import { closingOnError, openArchive, type Archive, type OpenArchiveOptions } from './archive-file.ts';
import { manifestsInArchive, type ArchivedManifest } from './archived-manifests.ts';
import { blobPath } from './blob.ts';
import { describeReference } from './describe-reference.ts';
import { DockerFiles, type DockerConfig } from './docker-files.ts';
import { loadDockerImage, type DockerImage } from './docker-image.ts';
import { DOCKER_MANIFEST, readDockerManifest, type DockerItem } from './docker-manifest.ts';
import { OciDirError } from './errors.ts';
import type { ImageRoot, RootOptions } from './image-root.ts';
import { LAYOUT_INDEX } from './layout-index.ts';
import { listNames } from './list-names.ts';
import type { TarRegion } from './tar-index.ts';

/** How a docker-save archive is opened. */
export interface OpenDockerArchiveOptions extends OpenArchiveOptions {
  /** What `resolve` looks for when it is not told: a name as in `RepoTags`, or `@0` for the first image. */
  readonly tag?: string;
}

/**
 * Open an archive of `docker save`, `podman save` or skopeo's `docker-archive:`, with one image or several, in the old form with a
 * directory for each layer or in the new one, which is an OCI layout too.
 *
 * The headers are read once, contents in place; a tar compressed with gzip or zstd is first unpacked into a file without a name.
 * The file stays open until {@link DockerArchive.close}.
 *
 * @throws {OciDirError} NOT_A_LAYOUT, NO_INDEX, INVALID_INDEX, NOT_A_FILE, INVALID_ARCHIVE, TRUNCATED_ARCHIVE, ARCHIVE_LIMIT
 */
export async function openDockerArchive(path: string, options: OpenDockerArchiveOptions = {}): Promise<DockerArchive> {
  return await closingOnError(await openArchive(path, options), (archive) => dockerArchiveIn(archive, path, options.tag));
}

/** The images in an archive that has been scanned. */
export async function dockerArchiveIn(archive: Archive, path: string, tag: string | undefined): Promise<DockerArchive> {
  const items = await readDockerManifest((name, limit) => archive.read(name, limit));
  if (items === undefined) throw noManifest(archive, path);
  return new DockerArchive({ path, archive, items, tag });
}

interface Opened {
  readonly path: string;
  readonly archive: Archive;
  readonly items: readonly DockerItem[];
  readonly tag: string | undefined;
}

/** A docker-save archive, for reading. Made by {@link openDockerArchive}. */
export class DockerArchive implements ImageSource {
  /** As it was given. */
  readonly path: string;
  readonly #archive: Archive;
  readonly #items: readonly DockerItem[];
  readonly #tag: string | undefined;
  readonly #files: DockerFiles;
  /** The image that was asked for last: its blobs are asked for next. */
  #chosen: { readonly item: DockerItem; readonly image: DockerImage } | undefined;
  #archived: Promise<readonly ArchivedManifest[]> | undefined;

  constructor({ path, archive, items, tag }: Opened) {
    this.path = path;
    this.#archive = archive;
    this.#files = new DockerFiles(archive);
    this.#items = items;
    this.#tag = tag;
  }

  /** The reference, `docker-archive:path` or `docker-archive:path:name`. */
  describe(): string {
    return describeReference('docker-archive', this.path, this.#tag);
  }

  /** The names of the images, in the archive's order. */
  tags(): readonly string[] {
    return [...new Set(this.#items.flatMap(({ names }) => names))];
  }

  /**
   * Choose an image by name and platform (default: of this machine). Names are compared as registries understand them: `alpine` is
   * `docker.io/library/alpine:latest`. Where the archive has a manifest for it, as newer ones do, that is it; otherwise one is made.
   *
   * @throws {OciSpecError} TAG_NOT_FOUND, NO_MATCH, EMPTY_INDEX, LAYER_COUNT, and what parsing a document gives
   * @throws {OciDirError} AMBIGUOUS: several images and no name; BLOB_NOT_FOUND {VerifyError}
   */
  async resolve(options: ResolveOptions = {}): Promise<ResolvedManifest> {
    options.signal?.throwIfAborted();
    const wanted = options.platform ?? nativePlatform(process);
    const images = await this.#named(options.tag ?? this.#tag, options);
    const image = this.#onlyOne(bestFor(images, wanted), options.tag ?? this.#tag);
    const { platform } = image.config;
    const { descriptor, raw, indexDigest } = await this.#manifestOf(image, options);
    return { descriptor, raw, platform, ...(indexDigest !== undefined && { indexDigest }) };
  }

  /**
   * The manifest of the image that a name stands for, whatever its platform; without a name of the only image.
   *
   * @throws {OciSpecError} {OciDirError} {VerifyError} as `resolve`
   */
  async resolveRoot(options: RootOptions = {}): Promise<ImageRoot> {
    options.signal?.throwIfAborted();
    const tag = options.tag ?? this.#tag;
    const { descriptor, raw } = await this.#manifestOf(this.#onlyOne(await this.#named(tag, options), tag), options);
    return { descriptor, raw };
  }

  /**
   * The bytes of a blob as they are stored, unverified, in chunks of 512 KiB. Manifests that were made are blobs like any other.
   *
   * @throws {OciDirError} at the first chunk: BLOB_NOT_FOUND, FOREIGN_LAYER, SIZE_MISMATCH, UNSUPPORTED_DIGEST, UNSUPPORTED_ENTRY
   */
  async *open(descriptor: Descriptor, { signal }: OpenOptions = {}): AsyncGenerator<Uint8Array, void> {
    signal?.throwIfAborted();
    const path = blobPath(descriptor.digest);
    const direct = this.#archive.index.find(path);
    const found = direct === undefined ? await this.#findBlob(descriptor, signal) : { path, region: direct };
    if ('raw' in found) yield found.raw.slice();
    else yield* archiveBlob(this.#archive, found.path, found.region, descriptor, signal);
  }

  /** Close the file. A second call does nothing. */
  async close(): Promise<void> {
    await this.#archive.close();
  }

  async #load(item: DockerItem, signal: AbortSignal | undefined): Promise<DockerImage> {
    if (this.#chosen?.item === item) return this.#chosen.image;
    return await loadDockerImage(this.#files, item, signal);
  }

  async #named(name: string | undefined, { signal }: OpenOptions): Promise<readonly ListedImage[]> {
    const images: ListedImage[] = [];
    for (const item of this.#itemsNamed(name)) {
      signal?.throwIfAborted();
      images.push({ item, config: await this.#files.config(item.config) });
    }
    return images;
  }

  #itemsNamed(name: string | undefined): readonly DockerItem[] {
    if (this.#items.length === 0) throw new OciSpecError('EMPTY_INDEX', `${DOCKER_MANIFEST} lists no images`);
    if (name === undefined) return this.#items;
    const position = /^@([0-9]{1,6})$/.exec(name)?.[1];
    const key = registryKey(name);
    const items = this.#items.filter(({ names }, i) =>
      position === undefined ? names.some((other) => other === name || registryKey(other) === key) : i === Number(position),
    );
    if (items.length > 0) return items;
    throw new OciSpecError('TAG_NOT_FOUND', `no image named '${name}' in ${this.describe()}; available: ${listNames(this.tags())}`);
  }

  #onlyOne(images: readonly ListedImage[], name: string | undefined): ListedImage {
    const [first] = images;
    if (first !== undefined && images.every(({ config }) => config.descriptor.digest === first.config.descriptor.digest)) return first;
    const which = name === undefined ? `a name, or @0 to @${this.#items.length - 1}` : `one image named '${name}'`;
    const message = `wanted ${which}, since there are ${images.length} images; available: ${listNames(this.tags())}`;
    throw new OciDirError('AMBIGUOUS', DOCKER_MANIFEST, message);
  }

  async #manifestOf({ item, config }: ListedImage, { signal }: OpenOptions): Promise<ArchivedManifest> {
    const image = await this.#load(item, signal);
    this.#chosen = { item, image };
    if (this.#archive.index.find(LAYOUT_INDEX) === undefined) return image.manifest;
    this.#archived ??= manifestsInArchive(this.#archive, signal);
    this.#archived.catch(() => (this.#archived = undefined));
    const { digest } = config.descriptor;
    return (await this.#archived).find((manifest) => manifest.configDigest === digest) ?? image.manifest;
  }

  /** In the images, whose layers have names that say nothing. */
  async #findBlob({ digest }: Descriptor, signal: AbortSignal | undefined): Promise<FoundBlob> {
    let failure: unknown;
    const before = this.#chosen === undefined ? undefined : findIn(this.#chosen.image, digest);
    if (before !== undefined) return before;
    for (const item of this.#items) {
      try {
        const found = findIn(await this.#load(item, signal), digest);
        if (found !== undefined) return found;
      } catch (error) {
        signal?.throwIfAborted();
        failure ??= error; // another image may have it
      }
    }
    if (failure instanceof Error && this.#items.length === 1) throw failure;
    return { path: blobPath(digest), region: undefined };
  }
}

interface ListedImage {
  readonly item: DockerItem;
  readonly config: DockerConfig;
}

type FoundBlob = { readonly raw: Uint8Array } | { readonly path: string; readonly region?: TarRegion | undefined };

function findIn({ config, manifest, layers }: DockerImage, digest: string): FoundBlob | undefined {
  if (manifest.descriptor.digest === digest) return manifest;
  return [config, ...layers].find(({ descriptor }) => descriptor.digest === digest);
}

function bestFor(images: readonly ListedImage[], wanted: Platform): readonly ListedImage[] {
  const ranks = images.map(({ config: { platform } }) => platformRank(wanted, platform) ?? Infinity);
  const best = ranks.reduce((a, b) => Math.min(a, b), Infinity);
  if (best < Infinity) return images.filter((_, i) => ranks[i] === best);
  const available = listNames([...new Set(images.map(({ config }) => formatPlatform(config.platform)))]);
  throw new OciSpecError('NO_MATCH', `No manifest found for platform ${formatPlatform(wanted)}; available: ${available}`);
}

/** A name in full, `docker.io/library/alpine:latest`; undefined for what is no name. */
function registryKey(text: string): string | undefined {
  try {
    const name = parseRegistryName(text);
    return formatRegistryName({ ...name, tag: name.tag ?? 'latest' });
  } catch (error) {
    if (error instanceof OciRefError) return undefined;
    throw error;
  }
}

function noManifest({ index }: Archive, path: string): OciDirError {
  const hint = index.find(LAYOUT_INDEX) === undefined ? '' : `; it is an OCI layout: oci-archive:${path}`;
  return new OciDirError('NO_INDEX', path, `no ${DOCKER_MANIFEST} in ${path}: not written by docker save${hint}`);
}

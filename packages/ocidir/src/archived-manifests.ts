import {
  isIndex,
  isManifest,
  parseIndex,
  parseManifest,
  readBlob,
  type Descriptor,
  type ImageSource,
  type Manifest,
  type OpenOptions,
} from '@cfskit/oci-spec';
import { archiveBlob } from './archive-blob.ts';
import type { Archive } from './archive-file.ts';
import { blobPath } from './blob.ts';
import { readLayoutIndex } from './layout-index.ts';

/** A manifest that an archive holds. */
export interface ArchivedManifest {
  readonly descriptor: Descriptor;
  readonly raw: Uint8Array;
  /** Absent where the manifest was made. */
  readonly configDigest?: string;
  /** The entry of `index.json` that led here, where that is an index. */
  readonly indexDigest?: string;
}

const MAX_NESTING = 4; // indexes below index.json, as in chooseManifest

/**
 * The manifests that the `index.json` of an archive leads to and that are complete: all they name is there. `docker save` keeps an index
 * whole and leaves out what belongs to other platforms, so what is missing is passed over.
 *
 * @throws {OciDirError} INVALID_INDEX {VerifyError} {OciSpecError} what is there is damaged
 */
export async function manifestsInArchive(archive: Archive, signal?: AbortSignal): Promise<readonly ArchivedManifest[]> {
  const index = await readLayoutIndex((path, limit) => archive.read(path, limit));
  const search = new Search(archive, signal);
  for (const entry of index?.manifests ?? []) await search.enter(entry, isIndex(entry.mediaType) ? entry.digest : undefined, 0);
  return search.found;
}

class Search implements Pick<ImageSource, 'open'> {
  readonly found: ArchivedManifest[] = [];
  readonly #archive: Archive;
  readonly #options: OpenOptions;
  readonly #seen = new Set<string>();

  constructor(archive: Archive, signal: AbortSignal | undefined) {
    this.#archive = archive;
    this.#options = signal === undefined ? {} : { signal };
  }

  async enter(entry: Descriptor, indexDigest: string | undefined, nesting: number): Promise<void> {
    if (this.#seen.has(entry.digest) || nesting > MAX_NESTING || !this.#has(entry)) return;
    this.#seen.add(entry.digest);
    if (isManifest(entry.mediaType)) await this.#manifest(entry, indexDigest);
    if (!isIndex(entry.mediaType)) return;
    const { manifests } = parseIndex(await readBlob(this, entry, this.#options));
    for (const child of manifests) await this.enter(child, indexDigest, nesting + 1);
  }

  open(descriptor: Descriptor, { signal }: OpenOptions = {}): AsyncIterable<Uint8Array> {
    const path = blobPath(descriptor.digest);
    return archiveBlob(this.#archive, path, this.#archive.index.find(path), descriptor, signal);
  }

  async #manifest(descriptor: Descriptor, indexDigest: string | undefined): Promise<void> {
    const raw = await readBlob(this, descriptor, this.#options);
    const manifest = parseManifest(raw);
    if (!this.#isComplete(manifest)) return;
    this.found.push({ descriptor, raw, configDigest: manifest.config.digest, ...(indexDigest !== undefined && { indexDigest }) });
  }

  #isComplete({ config, layers }: Manifest): boolean {
    return this.#has(config) && layers.every((layer) => this.#has(layer) || layer.urls !== undefined);
  }

  #has({ digest }: Descriptor): boolean {
    return this.#archive.index.find(blobPath(digest)) !== undefined;
  }
}

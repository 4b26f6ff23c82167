import {
  formatImageReference,
  formatRegistryName,
  parseOciLayoutRef,
  parseRegistryName,
  type ImageReference,
  type RegistryName,
} from '@cfskit/oci-ref';
import type { ResolveOptions } from '@cfskit/oci-spec';
import { RegistryClient } from '@cfskit/registry';
import { parseArchiveRef } from './archive-reference.ts';
import { downloadImage, type DownloadImageOptions, type LocalImage } from './download-image.ts';
import { FetchState, type OnFetchProgress } from './fetch-progress.ts';
import { fetchImageToLayout, type FetchedLayout, type FetchToLayoutOptions } from './fetch-to-layout.ts';
import { openImageSource, registryOptionsOf, type OpenImageSourceOptions } from './open-image-source.ts';
import { RegistryImage } from './registry-image.ts';
import { resolveImage, type ResolvedImage } from './resolved-image.ts';
import type { RootedImageSource } from './rooted-source.ts';
import { openSeeds, type Seeds } from './seed.ts';
import { seededSource } from './seeded-source.ts';

/** How a fetcher works. */
export interface FetcherOptions extends OpenImageSourceOptions {
  /** Archives, layouts and directories that are asked before the network, in this order. */
  readonly seeds?: readonly string[];
  /** Never ask the network: what is not in the seeds is an error that says so. */
  readonly offline?: boolean;
  /** Told, in a sentence, of what went wrong and is being done otherwise. */
  readonly onWarning?: (text: string) => void;
}

/** Which image is wanted. */
export interface ResolveImageOptions extends Omit<ResolveOptions, 'tag'> {
  readonly onProgress?: OnFetchProgress;
}

/** An image by the name it has in a registry, as people type it, or by a reference to anything that images are read from. */
export type ImageInput = string | ImageReference;

/**
 * Open what images are fetched with: the seeds are scanned here, once; nothing else happens before an image is asked for. To be closed.
 *
 * @throws {ImageSourceError} INVALID_SEED
 */
export async function openFetcher(options: FetcherOptions = {}): Promise<Fetcher> {
  return new Fetcher(options, await openSeeds(options.seeds ?? [], options));
}

/** Fetches images: from seeds, registries, layouts and archives. Made by {@link openFetcher}. */
export class Fetcher {
  readonly #options: FetcherOptions;
  readonly #seeds: Seeds;
  readonly #client: RegistryClient;
  readonly #opened: RootedImageSource[] = [];

  constructor(options: FetcherOptions, seeds: Seeds) {
    this.#options = options;
    this.#seeds = seeds;
    this.#client = options.client ?? new RegistryClient({ ...withWarnings(options), ...registryOptionsOf(options) });
  }

  /**
   * A source for everything that takes an `ImageSource`: of a registry behind the seeds, or of what a reference names. It is closed with
   * the fetcher.
   *
   * @throws {OciRefError} {ImageSourceError} {OciDirError}
   */
  async source(name: ImageInput): Promise<RootedImageSource> {
    const registryName = registryNameOf(name);
    if (registryName !== undefined) return this.#registrySource(registryName);
    const source = await openImageSource(name, { ...this.#options, client: this.#client });
    this.#opened.push(source);
    return source;
  }

  /**
   * Find an image and choose its manifest for a platform (default: of this machine), checked. Seeds are asked first.
   *
   * @throws what the source throws; {ImageSourceError} OFFLINE
   */
  async resolve(name: ImageInput, options: ResolveImageOptions = {}): Promise<ResolvedImage> {
    const { onProgress, ...others } = options;
    const state = new FetchState(onProgress);
    state.enter('resolving');
    const { onWarning } = this.#options;
    const source = await this.source(name);
    const resolved = await resolveImage(source, nameOf(name), tagOf(name, this.#options), {
      ...(onWarning !== undefined && { onWarning }),
      ...others,
    });
    state.setLayers(resolved.manifest.item.layers);
    state.enter('resolved');
    return resolved;
  }

  /** Fetch an image's config, and its layers into files of a directory; see {@link downloadImage}. */
  async download(image: ResolvedImage, directory: string, options: DownloadImageOptions = {}): Promise<LocalImage> {
    return await downloadImage(image, directory, { ...withWarnings(this.#options), ...options });
  }

  /** Fetch an image into an OCI layout; see {@link fetchImageToLayout}. */
  async fetchToLayout(image: ResolvedImage, directory: string, options: FetchToLayoutOptions = {}): Promise<FetchedLayout> {
    return await fetchImageToLayout(image, directory, { ...withWarnings(this.#options), ...options });
  }

  /** Close seeds, sources and connections. A client that was given stays open. */
  async close(): Promise<void> {
    await Promise.all([...this.#opened, this.#seeds].map(async (source) => await source.close?.()));
    if (this.#options.client === undefined) await this.#client.close();
  }

  #registrySource(name: RegistryName): RootedImageSource {
    const origin = new RegistryImage(name, { client: this.#client });
    const { seeds = [], offline = false } = this.#options;
    if (seeds.length === 0 && !offline) return origin;
    return seededSource({ name, seeds: this.#seeds, ...(!offline && { origin }) });
  }
}

function registryNameOf(name: ImageInput): RegistryName | undefined {
  if (typeof name === 'string') return parseRegistryName(name);
  return name.transport === 'registry' ? parseRegistryName(name.name) : undefined;
}

function nameOf(name: ImageInput): string {
  const registryName = registryNameOf(name);
  return registryName === undefined ? formatImageReference(name as ImageReference) : formatRegistryName(registryName);
}

/** What the image is called in a layout that it is written to. */
function tagOf(input: ImageInput, { windows = process.platform === 'win32' }: FetcherOptions): string | undefined {
  const registryName = registryNameOf(input);
  if (registryName !== undefined) return registryName.tag ?? (registryName.digest === undefined ? 'latest' : undefined);
  const { transport, name } = input as ImageReference;
  if (transport === 'oci') return parseOciLayoutRef(name, { windows }).tag;
  return transport === 'dir' ? undefined : parseArchiveRef(name, { windows }).name;
}

function withWarnings({ onWarning }: FetcherOptions): Pick<FetcherOptions, 'onWarning'> {
  return onWarning === undefined ? {} : { onWarning };
}

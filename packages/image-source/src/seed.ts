import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { RegistryName } from '@cfskit/oci-ref';
import {
  chooseManifest,
  isIndex,
  nativePlatform,
  verified,
  type Descriptor,
  type Index,
  type OpenOptions,
  type ResolvedManifest,
  type ResolveOptions,
} from '@cfskit/oci-spec';
import {
  openDirImage,
  openImageArchive,
  openOciDir,
  type DirImage,
  type DockerArchive,
  type OciArchive,
  type OciDir,
  type OpenArchiveOptions,
} from '@cfskit/ocidir';
import { ImageSourceError, isMissing } from './errors.ts';
import { signalOf } from './rooted-source.ts';
import { hasWholeName, keyOf, matchName, type NameMatch } from './seed-name.ts';

/** How seeds are opened and asked. */
export interface OpenSeedsOptions extends OpenArchiveOptions {
  /** Told of what is wrong with a seed and therefore passed over. */
  readonly onWarning?: (text: string) => void;
}

/** Anything that images can be taken from before the network is asked. */
type SeedSource = OciDir | OciArchive | DockerArchive | DirImage;

/**
 * Open archives, layouts and directories that are to be asked before the network: OCI layouts in a tar or a directory, docker-save
 * archives, directories of skopeo. Archives are scanned once, here. To be closed.
 *
 * @throws {ImageSourceError} INVALID_SEED, with the reason as `cause`
 */
export async function openSeeds(paths: readonly string[], options: OpenSeedsOptions = {}): Promise<Seeds> {
  const sources: SeedSource[] = [];
  try {
    for (const path of paths) sources.push(await openSeed(path, options));
    return new Seeds(sources, options.onWarning ?? ignore);
  } catch (error) {
    await Promise.all(sources.map((source) => close(source)));
    throw error;
  }
}

async function openSeed(path: string, options: OpenArchiveOptions): Promise<SeedSource> {
  try {
    if (!(await stat(path)).isDirectory()) return await openImageArchive(path, options);
    return (await isFile(join(path, 'index.json'))) ? await openOciDir(path) : await openDirImage(path);
  } catch (cause) {
    options.signal?.throwIfAborted();
    throw new ImageSourceError('INVALID_SEED', path, `cannot be used as a seed: ${path}`, { cause });
  }
}

/** An image that a seed has. */
export interface SeededImage {
  readonly resolved: ResolvedManifest;
  /** The seed, for messages. */
  readonly from: string;
}

/** Files with images that are asked before the network. Made by {@link openSeeds}. */
export class Seeds {
  readonly #sources: readonly SeedSource[];
  readonly #warn: (text: string) => void;
  /** Which seed has which blob, and rightly so. */
  readonly #holders = new Map<string, Promise<SeedSource | undefined>>();

  constructor(sources: readonly SeedSource[], onWarning: (text: string) => void) {
    this.#sources = sources;
    this.#warn = onWarning;
  }

  /** The seeds, in the order in which they are asked. */
  get sources(): readonly Pick<SeedSource, 'describe' | 'open'>[] {
    return this.#sources;
  }

  /**
   * The image of that name, for a platform (default: of this machine). A name with a digest finds the image of that digest, whatever its
   * name is in the seed. A seed that cannot be read is passed over with a warning.
   *
   * @param onMiss told why a seed does not have it, where it says so
   * @returns undefined if no seed has it
   */
  async find(
    name: RegistryName,
    options: ResolveOptions = {},
    onMiss: (reason: string) => void = ignore,
  ): Promise<SeededImage | undefined> {
    for (const source of this.#sources) {
      try {
        const resolved = await this.#findIn(source, name, options);
        if (resolved !== undefined) return { resolved, from: source.describe() };
      } catch (error) {
        this.#passOver(source, error, options.signal);
        onMiss(seedWarning(source, error));
      }
    }
    return undefined;
  }

  /**
   * The seed that has a blob of the right size and digest: it is read and hashed once. One whose blob is wrong is passed over with a warning.
   */
  async holderOf(descriptor: Descriptor, { signal }: OpenOptions = {}): Promise<Pick<SeedSource, 'describe' | 'open'> | undefined> {
    const key = `${descriptor.digest} ${descriptor.size}`;
    const found = this.#holders.get(key) ?? this.#search(descriptor, signal);
    this.#holders.set(key, found);
    try {
      return await found;
    } catch (error) {
      this.#holders.delete(key); // it was ended by its caller's signal
      throw error;
    }
  }

  /** Close all of them. A second call does nothing. */
  async close(): Promise<void> {
    await Promise.all(this.#sources.map((source) => close(source)));
  }

  async #search(descriptor: Descriptor, signal: AbortSignal | undefined): Promise<SeedSource | undefined> {
    for (const source of this.#sources) {
      try {
        const chunks = verified(source.open(descriptor, signalOf(signal)), descriptor);
        while ((await chunks.next()).done !== true); // only the verdict counts
        return source;
      } catch (error) {
        this.#passOver(source, error, signal);
      }
    }
    return undefined;
  }

  async #findIn(source: SeedSource, name: RegistryName, options: ResolveOptions): Promise<ResolvedManifest | undefined> {
    if (name.digest !== undefined) return await findDigest(source, name.digest, options);
    if (!('index' in source)) return await this.#findOnly(source, name, options);
    const index = await source.index();
    const { entries, match } = bestEntries(index, name);
    if (entries.length === 0) return undefined;
    const resolved = await chooseManifest({ ...index, manifests: entries }, source, optionsOf(options));
    if (match === 'unnamed') this.#warnOfGuess(source, 'its one image has no name, taking it', name);
    if (match === 'tag') this.#warnOfGuess(source, `it has a tag and no name, taking '${name.tag ?? 'latest'}'`, name);
    return resolved;
  }

  /** In a docker-save archive by its names; the one image of a directory, or of an archive without names, is taken. */
  async #findOnly(source: DockerArchive | DirImage, name: RegistryName, options: ResolveOptions): Promise<ResolvedManifest | undefined> {
    const isNamed = 'tags' in source && source.tags().length > 0;
    const resolved = await source.resolve({ ...optionsOf(options), ...(isNamed && { tag: keyOf(name) }) });
    if (!isNamed) this.#warnOfGuess(source, 'its one image has no name, taking it', name);
    return resolved;
  }

  /** Tell why something in a seed is not used, unless it just is not there. */
  #passOver(source: SeedSource, error: unknown, signal: AbortSignal | undefined): void {
    signal?.throwIfAborted();
    if (!isMissing(error)) this.#warn(seedWarning(source, error));
  }

  /** It may be another image: that is for the user to know. */
  #warnOfGuess(source: SeedSource, guess: string, name: RegistryName): void {
    this.#warn(`seed ${source.describe()}: ${guess} for ${keyOf(name)}`);
  }
}

/** The entries that fit best: by name; else by tag, where no entry has more than a tag; else the only one, if it has no name at all. */
function bestEntries(index: Index, name: RegistryName): { readonly entries: readonly Descriptor[]; readonly match: NameMatch } {
  const all = index.manifests;
  const matching = (wanted: NameMatch): readonly Descriptor[] => all.filter((entry) => matchName(entry, name) === wanted);
  const byName = matching('name');
  if (byName.length > 0 || all.some(hasWholeName)) return { entries: byName, match: 'name' };
  const byTag = matching('tag');
  if (byTag.length > 0) return { entries: byTag, match: 'tag' };
  const unnamed = matching('unnamed');
  return { entries: all.length === 1 ? unnamed : [], match: 'unnamed' };
}

/** A manifest of that digest, or one for the platform from the index of that digest. */
async function findDigest(source: SeedSource, digest: string, options: ResolveOptions): Promise<ResolvedManifest | undefined> {
  if (!('index' in source)) {
    const resolved = await source.resolve(optionsOf(options));
    return resolved.descriptor.digest === digest || resolved.indexDigest === digest ? resolved : undefined;
  }
  const index = await source.index();
  const entry = index.manifests.find((other) => other.digest === digest) ?? (await nestedManifest(source, index, digest, options));
  if (entry === undefined) return undefined;
  return await chooseManifest({ ...index, manifests: [entry] }, source, optionsOf(options));
}

async function nestedManifest(
  source: OciDir | OciArchive,
  index: Index,
  digest: string,
  { signal }: ResolveOptions,
): Promise<Descriptor | undefined> {
  if (!index.manifests.some(({ mediaType }) => isIndex(mediaType))) return undefined;
  const manifests = await source.platforms(undefined, signalOf(signal));
  return manifests.find(({ descriptor }) => descriptor.digest === digest)?.descriptor;
}

function optionsOf({ platform, signal }: ResolveOptions): ResolveOptions & { readonly platform: NonNullable<ResolveOptions['platform']> } {
  return { ...signalOf(signal), platform: platform ?? nativePlatform(process) };
}

/** Why something in a seed is not used. */
export function seedWarning(source: Pick<SeedSource, 'describe'>, error: unknown): string {
  return `seed ${source.describe()}: ${messageOf(error)}`;
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
}

async function isFile(path: string): Promise<boolean> {
  return await stat(path).then(
    (stats) => stats.isFile(),
    () => false,
  );
}

async function close(source: SeedSource): Promise<void> {
  if ('close' in source) await source.close();
}

function ignore(): void {}

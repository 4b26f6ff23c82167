import { REF_NAME_ANNOTATION, type Descriptor } from './descriptor.ts';
import { OciSpecError, quote } from './errors.ts';
import { parseImageConfig } from './image-config.ts';
import { parseIndex, tagsOf, type Index } from './image-index.ts';
import { readBlob, type ImageSource, type ResolvedManifest, type ResolveOptions } from './image-source.ts';
import { parseManifest } from './manifest.ts';
import { isImageConfig, isIndex, isManifest } from './media-type.ts';
import { formatPlatform, platformRank, type Platform } from './platform.ts';

/** {@link ResolveOptions} with the platform decided: this package cannot ask the machine. */
export type ChooseOptions = ResolveOptions & { readonly platform: Platform };

const MAX_NESTING = 4; // indexes below the top one
const MAX_LISTED = 10;

interface Candidate {
  readonly descriptor: Descriptor;
  readonly rank: number;
  readonly platform?: Platform;
  readonly indexDigest?: string;
}

/**
 * Choose the manifest for a tag and a platform from the index of a layout, and read it.
 *
 * Entries are tried in index order, nested indexes up to four deep. An entry without a platform is judged by its image config, read
 * through `blobs`. Without a variant in `platform` the first entry that matches wins; with one, the nearest variant. A tag that stands
 * on one entry only takes that entry even if it is an artifact that names no platform. Tags in nested indexes are not looked at.
 *
 * A blob that has to be read is judged once, however often the index lists it: a malicious index costs no more than the blobs there are.
 *
 * @throws {OciSpecError} EMPTY_INDEX, TAG_NOT_FOUND, NO_MATCH, NESTED_INDEX, UNEXPECTED_MEDIA_TYPE, and what parsing a blob gives
 * @throws {VerifyError} SIZE_MISMATCH, DIGEST_MISMATCH: an entry that had to be read is damaged
 */
export async function chooseManifest(index: Index, blobs: Pick<ImageSource, 'open'>, options: ChooseOptions): Promise<ResolvedManifest> {
  const entries = candidateEntries(index, options.tag);
  const search = new Search(blobs, options);
  const found = (await search.best(entries)) ?? (await search.onlyArtifact(entries));
  if (found === undefined) throw search.noMatch();
  if (options.tag === undefined) await warnOfOthers(entries, found, blobs, options);
  const { descriptor, platform, indexDigest } = found;
  const raw = await readBlob(blobs, descriptor, signalOf(options));
  return { descriptor, raw, ...(platform !== undefined && { platform }), ...(indexDigest !== undefined && { indexDigest }) };
}

function candidateEntries(index: Index, tag: string | undefined): readonly Descriptor[] {
  if (tag === undefined) {
    if (index.manifests.length === 0) throw new OciSpecError('EMPTY_INDEX', 'Image index contains no manifests');
    return index.manifests;
  }
  const entries = index.manifests.filter((entry) => refName(entry) === tag);
  if (entries.length > 0) return entries;
  const tags = tagsOf(index);
  const available = tags.length === 0 ? '(no tags)' : list(tags);
  throw new OciSpecError('TAG_NOT_FOUND', `Tag '${tag}' not found in image index; available: ${available}`);
}

class Search {
  readonly #blobs: Pick<ImageSource, 'open'>;
  readonly #options: ChooseOptions;
  readonly #available: string[] = [];
  readonly #seen = new Set<string>(); // blobs read already; what they gave has been weighed

  constructor(blobs: Pick<ImageSource, 'open'>, options: ChooseOptions) {
    this.#blobs = blobs;
    this.#options = options;
  }

  /** The best of these entries and of all below them; the first one among equals. */
  async best(entries: readonly Descriptor[], nesting: number = 0): Promise<Candidate | undefined> {
    let best: Candidate | undefined;
    for (const entry of entries) {
      const candidate = await this.#judge(entry, nesting);
      if (candidate === undefined || (best !== undefined && best.rank <= candidate.rank)) continue;
      best = candidate;
      if (best.rank === 0) break;
    }
    return best;
  }

  /** The one entry, if it is a manifest that says nothing of platforms and is no image. */
  async onlyArtifact(entries: readonly Descriptor[]): Promise<Candidate | undefined> {
    const [entry] = entries;
    if (this.#options.tag === undefined || entries.length !== 1 || entry === undefined) return undefined;
    if (!isManifest(entry.mediaType) || entry.platform !== undefined) return undefined;
    const manifest = parseManifest(await this.#read(entry));
    return isImageConfig(manifest.config.mediaType) ? undefined : { descriptor: entry, rank: 0 };
  }

  noMatch(): OciSpecError {
    const available = this.#available.length === 0 ? '(no platform info)' : list(this.#available);
    return new OciSpecError(
      'NO_MATCH',
      `No manifest found for platform ${formatPlatform(this.#options.platform)}; available: ${available}`,
    );
  }

  async #judge(entry: Descriptor, nesting: number): Promise<Candidate | undefined> {
    if (isIndex(entry.mediaType)) return await this.#judgeIndex(entry, nesting);
    if (!isManifest(entry.mediaType)) {
      const { digest } = entry;
      throw new OciSpecError('UNEXPECTED_MEDIA_TYPE', `Unexpected media type ${entry.mediaType} of ${digest}`, { digest });
    }
    const platform = entry.platform ?? (await this.#platformOfImage(entry));
    if (platform === undefined) return undefined;
    this.#noteAvailable(platform);
    const rank = platformRank(this.#options.platform, platform);
    return rank === undefined ? undefined : { descriptor: entry, rank, platform };
  }

  async #judgeIndex(entry: Descriptor, nesting: number): Promise<Candidate | undefined> {
    if (nesting === MAX_NESTING) {
      const { digest } = entry;
      throw new OciSpecError('NESTED_INDEX', `Nested image indices are not supported below level ${MAX_NESTING}: ${digest}`, { digest });
    }
    if (!this.#firstLookAt(entry)) return undefined;
    const index = parseIndex(await this.#read(entry));
    const found = await this.best(index.manifests, nesting + 1);
    return found && { ...found, indexDigest: entry.digest };
  }

  async #platformOfImage(entry: Descriptor): Promise<Platform | undefined> {
    if (!this.#firstLookAt(entry)) return undefined;
    const manifest = parseManifest(await this.#read(entry));
    if (!isImageConfig(manifest.config.mediaType)) return undefined;
    const { architecture, os, variant } = parseImageConfig(await this.#read(manifest.config));
    return { architecture, os, ...(variant !== undefined && { variant }) };
  }

  #firstLookAt({ digest }: Descriptor): boolean {
    const first = !this.#seen.has(digest);
    this.#seen.add(digest);
    return first;
  }

  // With no variant asked for none is listed, as the reference has it.
  #noteAvailable({ os, architecture, variant }: Platform): void {
    if (this.#available.length > MAX_LISTED) return;
    const withVariant = this.#options.platform.variant !== undefined && variant !== undefined;
    this.#available.push(withVariant ? `${os}/${architecture}/${variant}` : `${os}/${architecture}`);
  }

  async #read(descriptor: Descriptor): Promise<Uint8Array> {
    return await readBlob(this.#blobs, descriptor, signalOf(this.#options));
  }
}

/** Several images in one layout and no tag given: the user may have meant another one. */
async function warnOfOthers(
  entries: readonly Descriptor[],
  found: Candidate,
  blobs: Pick<ImageSource, 'open'>,
  options: ChooseOptions,
): Promise<void> {
  const { onWarning, platform } = options;
  if (onWarning === undefined) return;
  const taken = entries.find((entry) => entry.digest === (found.indexDigest ?? found.descriptor.digest));
  for (const entry of entries) {
    const tag = refName(entry);
    if (tag === undefined || entry.digest === taken?.digest) continue;
    const other = await matchQuietly(entry, blobs, options);
    if (other === undefined || other.descriptor.digest === found.descriptor.digest) continue;
    const name = taken && refName(taken);
    const which = name === undefined ? 'the first image' : quote(name);
    onWarning(`no tag given, taking ${which} for ${formatPlatform(platform)}; ${quote(tag)} would match as well`);
    return;
  }
}

async function matchQuietly(entry: Descriptor, blobs: Pick<ImageSource, 'open'>, options: ChooseOptions): Promise<Candidate | undefined> {
  try {
    return await new Search(blobs, options).best([entry]);
  } catch {
    options.signal?.throwIfAborted();
    return undefined; // whatever is wrong with another image does not concern the one that was found
  }
}

function refName(entry: Descriptor): string | undefined {
  return entry.annotations?.[REF_NAME_ANNOTATION];
}

function list(names: readonly string[]): string {
  const shown = names.slice(0, MAX_LISTED).join(', ');
  return names.length > MAX_LISTED ? `${shown}, ...` : shown;
}

function signalOf({ signal }: ResolveOptions): { readonly signal?: AbortSignal } {
  return signal === undefined ? {} : { signal };
}

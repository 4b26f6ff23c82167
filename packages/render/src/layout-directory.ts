import {
  formatPlatform,
  isIndex,
  isManifest,
  mediaTypes,
  parseImageConfig,
  parseIndex,
  parseJson,
  parseManifest,
  platformRank,
  readBlob,
  REF_NAME_ANNOTATION,
  diffIds,
  isImageConfig,
  type Descriptor,
  type Manifest,
} from '@cfskit/oci-spec';
import type { Time } from '@cfskit/fs-tree';
import { RenderError } from './errors.ts';
import type { DescribedLayer, ImageDirectory, ImageDirectoryOptions } from './image-directory.ts';
import { parseCreated } from './render-image.ts';

/** The index of an OCI layout. */
export const LAYOUT_INDEX = 'index.json';

/** The layers of an image, and when it was made. */
export interface FoundLayers {
  readonly layers: readonly DescribedLayer[];
  readonly created?: Time;
}

/**
 * The layers of the one image of a layout that the options mean. Indexes in the index are looked into, one level deep.
 *
 * @throws {RenderError} NO_IMAGE, AMBIGUOUS_IMAGE, NOT_AN_IMAGE
 */
export async function layoutLayers(index: Uint8Array, directory: ImageDirectory, options: ImageDirectoryOptions): Promise<FoundLayers> {
  const candidates: Descriptor[] = [];
  for (const entry of topEntries(index, options.tag)) {
    if (!isIndex(entry.mediaType)) candidates.push(entry);
    else candidates.push(...nestedManifests(entry, await readDocument(directory, entry)));
  }
  const chosen = choose(candidates, directory.path, options);
  const manifest = parseManifest(await readDocument(directory, chosen));
  if (!isImageConfig(manifest.config.mediaType)) {
    throw new RenderError('NOT_AN_IMAGE', `${directory.path} holds an artifact and no container image`);
  }
  const config = parseImageConfig(await readDocument(directory, manifest.config));
  const created = parseCreated(config.created);
  return { layers: describe(manifest, diffIds(config)), ...(created && { created }) };
}

function topEntries(index: Uint8Array, tag: string | undefined): readonly Descriptor[] {
  const { manifests } = parseIndex(withMediaTypes(index));
  const entries = tag === undefined ? manifests : manifests.filter((entry) => entry.annotations?.[REF_NAME_ANNOTATION] === tag);
  if (entries.length > 0) return entries;
  throw new RenderError('NO_IMAGE', tag === undefined ? `empty manifests in ${LAYOUT_INDEX}` : `no image with the tag ${tag}`);
}

/** An entry without a media type is taken for a manifest. */
function withMediaTypes(index: Uint8Array): Uint8Array {
  const value = parseJson(index) as { readonly manifests?: unknown } | null;
  if (!Array.isArray(value?.manifests)) return index;
  const entries = value.manifests as readonly unknown[];
  const manifests = entries.map((entry) => (typeof entry === 'object' ? Object.assign({ mediaType: mediaTypes.manifest }, entry) : entry));
  return new TextEncoder().encode(JSON.stringify({ ...value, manifests }));
}

function nestedManifests({ digest }: Descriptor, raw: Uint8Array): Descriptor[] {
  const manifests = parseIndex(raw).manifests.filter((entry) => isManifest(entry.mediaType));
  if (manifests.length > 0) return manifests;
  throw new RenderError('NO_IMAGE', `nested index ${digest} contains no single-image manifest entry`);
}

function choose(candidates: readonly Descriptor[], path: string, { platform }: ImageDirectoryOptions): Descriptor {
  const images = candidates.filter((entry) => entry.platform?.os !== 'unknown'); // attestations name no platform
  const fitting =
    platform === undefined ? images : images.filter((entry) => !entry.platform || platformRank(platform, entry.platform) !== undefined);
  const digests = new Set(fitting.map(({ digest }) => digest));
  if (digests.size === 1) return fitting[0]!;
  const list = (digests.size === 0 ? images : fitting).map(describeEntry).join(', ');
  if (digests.size === 0)
    throw new RenderError(
      'NO_IMAGE',
      `no image for ${platform ? formatPlatform(platform) : 'any platform'} in ${path}; available: ${list}`,
    );
  throw new RenderError('AMBIGUOUS_IMAGE', `several images in ${path}, choose one by tag or platform: ${list}`, { path });
}

function describeEntry({ digest, platform, annotations }: Descriptor): string {
  const words = [annotations?.[REF_NAME_ANNOTATION], platform && formatPlatform(platform), digest.slice(0, 19)];
  return words.filter((word) => word !== undefined).join(' ');
}

function describe(manifest: Manifest, ids: readonly string[]): DescribedLayer[] {
  if (ids.length !== manifest.layers.length) {
    throw new RenderError('INVALID_IMAGE', `found ${manifest.layers.length} layers and ${ids.length} diff_ids`);
  }
  return manifest.layers.map(({ digest, mediaType, size }, i) => ({ place: digest, mediaType, size, diffId: ids[i]! }));
}

/** A manifest, index or config, its size and digest checked. */
async function readDocument(directory: ImageDirectory, descriptor: Descriptor): Promise<Uint8Array> {
  const name = directory.blobName(descriptor.digest);
  return await readBlob({ open: () => wholeFile(directory, name) }, descriptor);
}

async function* wholeFile(directory: ImageDirectory, name: string): AsyncGenerator<Uint8Array, void> {
  yield await directory.read(name);
}

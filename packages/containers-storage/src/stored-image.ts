import {
  BlobVerifier,
  diffIds,
  digestOf,
  isImageConfig,
  MAX_JSON_SIZE,
  mediaTypes,
  parseImageConfig,
  parseIndex,
  parseJson,
  parseManifest,
  type Descriptor,
  type Expected,
  type Platform,
} from '@cfskit/oci-spec';
import { MANIFEST, manifestOf } from './big-data.ts';
import { ContainersStorageError } from './errors.ts';
import { LayerFinder, type PlacedLayer } from './layer-finder.ts';
import type { LockOptions } from './read-lock.ts';
import type { ImageRecord } from './records.ts';
import type { Store } from './store.ts';

/** A layer that is what the config names. */
export interface NamedLayer extends PlacedLayer {
  /** Of the uncompressed tar. */
  readonly size: number;
}

/** An image that was found: its documents, checked, and its layers, bottom first. */
export interface StoredImage {
  readonly manifest: Descriptor;
  readonly manifestRaw: Uint8Array;
  /** Absent for artifacts. */
  readonly platform?: Platform;
  /** Manifest and config by digest. */
  readonly documents: ReadonlyMap<string, Uint8Array>;
  /** By diff_id, in the order of the config. */
  readonly layers: ReadonlyMap<string, NamedLayer>;
  readonly diffIds: readonly string[];
}

/** An image and where it was found. */
export interface FoundImage {
  readonly store: Store;
  readonly image: ImageRecord;
  /** Where layers may be, the image's own store first. */
  readonly stores: readonly Store[];
  /** The digest by which it was asked for. */
  readonly digest: string | undefined;
}

/**
 * Read what describes an image. The layers are those that its config names, or it is refused.
 *
 * @throws {ContainersStorageError} MISSING_DATA, LAYER_MISMATCH, TOO_LARGE {VerifyError} {OciSpecError}
 */
export async function readImage({ store, image, stores, digest }: FoundImage, options: LockOptions): Promise<StoredImage> {
  const manifestRaw = readManifest(store, image, digest);
  const { mediaType = mediaTypes.manifest, config } = parseManifest(manifestRaw);
  const manifest: Descriptor = { mediaType, digest: digestOf(manifestRaw), size: manifestRaw.byteLength };
  const configRaw = readDocument(store, image, config.digest, config);
  const documents = new Map([
    [manifest.digest, manifestRaw],
    [config.digest, configRaw],
  ]);
  if (!isImageConfig(config.mediaType)) return { manifest, manifestRaw, documents, layers: new Map(), diffIds: [] };
  const parsed = parseImageConfig(configRaw);
  const { os, architecture, variant } = parsed;
  const platform = { os, architecture, ...(variant !== undefined && { variant }) };
  const ids = diffIds(parsed);
  return { manifest, manifestRaw, platform, documents, layers: await placeLayers(stores, image, ids, options), diffIds: ids };
}

/** The manifest of the digest that was asked for, if any; for that of an index, the image's own, which must be one of those in it. */
function readManifest(store: Store, image: ImageRecord, wanted: string | undefined): Uint8Array {
  if (wanted === undefined || wanted === image.digest) return readOwnManifest(store, image);
  const named = readDocument(store, image, manifestOf(wanted), { digest: wanted });
  if (!isIndexDocument(named)) return named;
  const raw = readOwnManifest(store, image);
  const digest = digestOf(raw);
  if (parseIndex(named).manifests.some((entry) => entry.digest === digest)) return raw;
  throw missing(store, image, `manifest of the index ${wanted}, only ${digest}`);
}

function readOwnManifest(store: Store, image: ImageRecord): Uint8Array {
  return readDocument(store, image, MANIFEST, image.digest === undefined ? undefined : { digest: image.digest });
}

function isIndexDocument(raw: Uint8Array): boolean {
  const value = parseJson(raw);
  return typeof value === 'object' && value !== null && 'manifests' in value;
}

function readDocument(store: Store, image: ImageRecord, name: string, expected: Expected | undefined): Uint8Array {
  const raw = store.bigData(image, name, MAX_JSON_SIZE);
  if (raw === undefined) throw missing(store, image, name);
  return expected === undefined ? raw : checked(raw, expected);
}

/** @throws {VerifyError} */
function checked(raw: Uint8Array, expected: Expected): Uint8Array {
  const verifier = new BlobVerifier(expected);
  verifier.update(raw);
  verifier.finish();
  return raw;
}

function missing(store: Store, { id }: ImageRecord, name: string): ContainersStorageError {
  return new ContainersStorageError('MISSING_DATA', store.path, `image ${id} has no ${name}`);
}

/** The layers from the image's topmost down to the lowest, each in the first store that has it. */
async function placeLayers(
  stores: readonly Store[],
  image: ImageRecord,
  ids: readonly string[],
  options: LockOptions,
): Promise<ReadonlyMap<string, NamedLayer>> {
  const finder = new LayerFinder(stores, options);
  const chain: PlacedLayer[] = [];
  for (let id = image.layer; id !== undefined;) {
    const layer: PlacedLayer | undefined = await finder.find(id);
    if (layer === undefined) throw mismatch(image, `layer ${id} is in no store`);
    chain.push(layer);
    if (chain.length > ids.length) throw mismatch(image, `Layer count mismatch: more than the ${ids.length} layers of its config`);
    id = layer.record.parent;
  }
  if (chain.length !== ids.length) throw mismatch(image, `Layer count mismatch: ${chain.length} layers, ${ids.length} in its config`);
  return new Map(chain.toReversed().map((layer, index) => [ids[index]!, namedLayer(image, layer, ids[index]!)]));
}

function namedLayer(image: ImageRecord, { store, record }: PlacedLayer, diffId: string): NamedLayer {
  const { id, diffDigest, diffSize } = record;
  if (diffDigest === diffId && diffSize !== undefined) return { store, record, size: diffSize };
  throw mismatch(image, `wanted ${diffId} as layer ${id}, found ${diffDigest ?? 'one whose digest nobody knows'}`);
}

function mismatch({ id }: ImageRecord, message: string): ContainersStorageError {
  return new ContainersStorageError('LAYER_MISMATCH', `image ${id}`, message);
}

import { detectFormat } from '@cfskit/compression';
import {
  createHash,
  diffIds,
  digestOf,
  MAX_JSON_SIZE,
  mediaTypes,
  OciSpecError,
  parseImageConfig,
  VerifyError,
  type Descriptor,
  type Platform,
} from '@cfskit/oci-spec';
import type { Archive } from './archive-file.ts';
import { blobNotFound } from './blob.ts';
import type { DockerItem } from './docker-manifest.ts';
import { OciDirError } from './errors.ts';
import type { TarRegion } from './tar-index.ts';

/** A document of an image: its bytes and what names them. */
interface ImageDocument {
  readonly descriptor: Descriptor;
  readonly raw: Uint8Array;
}

/** A layer of an image in an archive. */
interface DockerLayer {
  readonly descriptor: Descriptor;
  /** Name in the archive. */
  readonly path: string;
  /** Absent for a layer that is kept elsewhere. */
  readonly region?: TarRegion;
}

/** An image of a docker-save archive, with the manifest that it does not have there. */
export interface DockerImage {
  readonly names: readonly string[];
  readonly platform: Platform;
  readonly config: ImageDocument;
  readonly layers: readonly DockerLayer[];
  readonly manifest: ImageDocument;
}

/**
 * Describe an image of a docker-save archive as OCI does. The archive has no manifest for it, so one is made, always the same for the
 * same image: see docs/format/docker-archive.md.
 *
 * Layers are uncompressed there, and their digests are the config's diff_ids, so that nothing but the config is read. A compressed layer
 * that is not named by its digest is hashed.
 *
 * @throws {OciDirError} BLOB_NOT_FOUND, TOO_LARGE, UNSUPPORTED_ENTRY
 * @throws {OciSpecError} LAYER_COUNT, and what parsing the config gives {VerifyError} the config is not what its name says
 */
export async function loadDockerImage(archive: Archive, item: DockerItem, signal?: AbortSignal): Promise<DockerImage> {
  const config = await readConfig(archive, item.config);
  const parsed = parseImageConfig(config.raw);
  const ids = diffIds(parsed);
  if (ids.length !== item.layers.length) {
    const { digest } = config.descriptor;
    const message = `wanted as many diff_ids as layers, found ${item.layers.length} layers and ${ids.length} diff_ids in ${digest}`;
    throw new OciSpecError('LAYER_COUNT', message, { digest });
  }
  const layers: DockerLayer[] = [];
  for (const [i, path] of item.layers.entries()) layers.push(await describeLayer(archive, path, ids[i]!, item, signal));
  const { os, architecture, variant } = parsed;
  return {
    names: item.names,
    platform: { os, architecture, ...(variant !== undefined && { variant }) },
    config,
    layers,
    manifest: imageManifest(config.descriptor, layers),
  };
}

const CONFIG_NAME = /(?:^|\/)(?:sha256:)?([0-9a-f]{64})(?:\.json)?$/;

async function readConfig(archive: Archive, path: string): Promise<ImageDocument> {
  const raw = await archive.read(path, MAX_JSON_SIZE);
  if (raw === undefined) throw new OciDirError('BLOB_NOT_FOUND', path, `no such config in the archive: ${path}`);
  const descriptor = { mediaType: mediaTypes.config, digest: digestOf(raw), size: raw.byteLength };
  const named = CONFIG_NAME.exec(path)?.[1];
  const wanted = named === undefined ? descriptor.digest : `sha256:${named}`;
  if (wanted === descriptor.digest) return { descriptor, raw };
  const message = `digest mismatch: wanted ${wanted}, found ${descriptor.digest}, in ${path}`;
  throw new VerifyError('DIGEST_MISMATCH', wanted, wanted, descriptor.digest, message);
}

const LAYER_TYPES = { none: mediaTypes.layer, gzip: mediaTypes.layerGzip, zstd: mediaTypes.layerZstd } as const;
const MAGIC_LENGTH = 4;

async function describeLayer(
  archive: Archive,
  path: string,
  diffId: string,
  item: DockerItem,
  signal: AbortSignal | undefined,
): Promise<DockerLayer> {
  const region = archive.index.find(path);
  if (region === undefined) {
    const descriptor = item.sources.get(diffId);
    if (descriptor?.urls !== undefined) return { descriptor, path };
    throw blobNotFound(path, { mediaType: mediaTypes.layer, digest: diffId, size: 0 });
  }
  const format = detectFormat(await archive.head(region, MAGIC_LENGTH));
  const digest = format === 'none' ? diffId : (namedDigest(path) ?? (await digestOfRegion(archive, region, signal)));
  return { descriptor: { mediaType: LAYER_TYPES[format], digest, size: region.size }, path, region };
}

const BLOB_NAME = /^(?:\.\/)?blobs\/sha256\/([0-9a-f]{64})$/;

/** Whether the name is right shows when the layer is read. */
function namedDigest(path: string): string | undefined {
  const hex = BLOB_NAME.exec(path)?.[1];
  return hex === undefined ? undefined : `sha256:${hex}`;
}

async function digestOfRegion(archive: Archive, region: TarRegion, signal: AbortSignal | undefined): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of archive.chunks(region, signal)) hash.update(chunk);
  return `sha256:${hash.digestHex()}`;
}

/** Members in the order in which Docker and others write them, no white space: one image, one manifest, one digest. */
function imageManifest(config: Descriptor, layers: readonly DockerLayer[]): ImageDocument {
  const manifest = { schemaVersion: 2, mediaType: mediaTypes.manifest, config, layers: layers.map(({ descriptor }) => descriptor) };
  const raw = new TextEncoder().encode(JSON.stringify(manifest));
  return { descriptor: { mediaType: mediaTypes.manifest, digest: digestOf(raw), size: raw.byteLength }, raw };
}

import { digestOf, mediaTypes, OciSpecError, type Descriptor } from '@cfskit/oci-spec';
import { blobNotFound } from './blob.ts';
import type { DockerConfig, DockerFiles } from './docker-files.ts';
import type { DockerItem } from './docker-manifest.ts';
import type { TarRegion } from './tar-index.ts';

/** A document of an image: its bytes and what names them. */
interface ImageDocument {
  readonly descriptor: Descriptor;
  readonly raw: Uint8Array;
}

/** A blob of an image in an archive. */
interface DockerBlob {
  readonly descriptor: Descriptor;
  /** Name in the archive. */
  readonly path: string;
  /** Absent for a layer that is kept elsewhere. */
  readonly region?: TarRegion;
}

/** An image of a docker-save archive, with the manifest that it does not have there. */
export interface DockerImage {
  readonly config: DockerBlob;
  readonly layers: readonly DockerBlob[];
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
export async function loadDockerImage(files: DockerFiles, item: DockerItem, signal?: AbortSignal): Promise<DockerImage> {
  const config = await files.config(item.config);
  requireSameCount(item, config);
  const layers: DockerBlob[] = [];
  for (const [i, path] of item.layers.entries()) layers.push(await describeLayer(files, path, config.diffIds[i]!, item, signal));
  return {
    config: { descriptor: config.descriptor, path: item.config, region: config.region },
    layers,
    manifest: imageManifest(config.descriptor, layers),
  };
}

function requireSameCount({ layers }: DockerItem, { descriptor: { digest }, diffIds }: DockerConfig): void {
  if (diffIds.length === layers.length) return;
  const message = `wanted as many diff_ids as layers, found ${layers.length} layers and ${diffIds.length} diff_ids in ${digest}`;
  throw new OciSpecError('LAYER_COUNT', message, { digest });
}

const LAYER_TYPES = { none: mediaTypes.layer, gzip: mediaTypes.layerGzip, zstd: mediaTypes.layerZstd } as const;

async function describeLayer(
  files: DockerFiles,
  path: string,
  diffId: string,
  item: DockerItem,
  signal: AbortSignal | undefined,
): Promise<DockerBlob> {
  const region = files.find(path);
  if (region === undefined) {
    const descriptor = item.sources.get(diffId);
    if (descriptor?.urls !== undefined) return { descriptor, path };
    throw blobNotFound(path, { mediaType: mediaTypes.layer, digest: diffId, size: 0 });
  }
  const format = await files.format(region);
  const digest = format === 'none' ? diffId : (namedDigest(path) ?? (await files.digest(region, signal)));
  return { descriptor: { mediaType: LAYER_TYPES[format], digest, size: region.size }, path, region };
}

const BLOB_NAME = /^(?:\.\/)?blobs\/sha256\/([0-9a-f]{64})$/;

/** Whether the name is right shows when the layer is read. */
function namedDigest(path: string): string | undefined {
  const hex = BLOB_NAME.exec(path)?.[1];
  return hex === undefined ? undefined : `sha256:${hex}`;
}

/** Members in the order in which Docker and others write them, no white space: one image, one manifest, one digest. */
function imageManifest(config: Descriptor, layers: readonly DockerBlob[]): ImageDocument {
  const manifest = { schemaVersion: 2, mediaType: mediaTypes.manifest, config, layers: layers.map(({ descriptor }) => descriptor) };
  const raw = new TextEncoder().encode(JSON.stringify(manifest));
  return { descriptor: { mediaType: mediaTypes.manifest, digest: digestOf(raw), size: raw.byteLength }, raw };
}

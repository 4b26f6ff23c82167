import type { Descriptor } from './descriptor.ts';
import { OciSpecError } from './errors.ts';
import { diffIds, parseImageConfig, type ImageConfig } from './image-config.ts';
import { readBlob, type ImageSource, type ResolvedManifest, type ResolveOptions } from './image-source.ts';
import type { Parsed } from './json-field.ts';
import { parseManifest, type Manifest } from './manifest.ts';
import { isImageConfig } from './media-type.ts';

/** One layer of an image, bottom first. Layers of artifacts have no `diffId`. */
export interface ImageLayer {
  readonly descriptor: Descriptor;
  /** Digest of the layer's uncompressed tar. */
  readonly diffId?: string;
}

/** Everything that describes an image or artifact, short of its layers' content. */
export interface LoadedImage {
  readonly resolved: ResolvedManifest;
  readonly manifest: Parsed<Manifest>;
  /** The config blob as it is stored; size and digest have been checked. */
  readonly configRaw: Uint8Array;
  /** Absent when the config is not that of a container image: then this is an artifact. */
  readonly config?: Parsed<ImageConfig>;
  readonly layers: readonly ImageLayer[];
}

/**
 * Resolve an image, read its manifest and config, and pair its layers with their diff_ids. No layer is opened.
 *
 * @throws {OciSpecError} LAYER_COUNT if manifest and config disagree, and what parsing them gives
 * @throws {VerifyError} SIZE_MISMATCH, DIGEST_MISMATCH in the config, and whatever the source throws
 */
export async function loadImage(source: ImageSource, options: ResolveOptions = {}): Promise<LoadedImage> {
  const resolved = await source.resolve(options);
  const manifest = parseManifest(resolved.raw);
  const configRaw = await readBlob(source, manifest.config, options.signal === undefined ? {} : { signal: options.signal });
  if (!isImageConfig(manifest.config.mediaType)) {
    return { resolved, manifest, configRaw, layers: manifest.layers.map((descriptor) => ({ descriptor })) };
  }
  const config = parseImageConfig(configRaw);
  return { resolved, manifest, configRaw, config, layers: pairLayers(manifest, config) };
}

function pairLayers(manifest: Manifest, config: ImageConfig): readonly ImageLayer[] {
  const ids = diffIds(config);
  if (ids.length !== manifest.layers.length) {
    const { digest } = manifest.config;
    const message = `wanted as many diff_ids as layers, found ${manifest.layers.length} layers and ${ids.length} diff_ids in ${digest}`;
    throw new OciSpecError('LAYER_COUNT', message, { digest });
  }
  return manifest.layers.map((descriptor, i) => ({ descriptor, diffId: ids[i]! }));
}

import { loadImage, type Expected, type ImageLayer, type ImageSource, type ResolveOptions } from '@cfskit/oci-spec';
import type { Time } from '@cfskit/fs-tree';
import { RenderError } from './errors.ts';

/** Options of {@link RenderLayer.open}. */
export interface OpenLayerOptions {
  readonly signal?: AbortSignal;
}

/** One layer as it is stored. It is read twice: once for its headers, and again for what of it is visible. */
export interface RenderLayer {
  /** For messages: a digest, or a path. */
  readonly name: string;
  readonly mediaType: string;
  /** Digest and perhaps size of the stored bytes; checked where it is given. */
  readonly blob?: Expected;
  /** Digest of the uncompressed tar; checked where it is given. */
  readonly diffId?: string;
  /** The stored bytes, unchecked. Each call starts over. Chunks are not looked at after the next one was asked for. */
  open(options?: OpenLayerOptions): AsyncIterable<Uint8Array>;
}

/** The layers of an image, the oldest first, and what else is needed to render it. */
export interface RenderImage {
  /** For messages: where the image is. */
  readonly name: string;
  readonly layers: readonly RenderLayer[];
  /** When the image was made, where its config says so. */
  readonly created?: Time;
}

/**
 * The layers of an image in any source, with both digests of each.
 *
 * @throws {RenderError} NOT_AN_IMAGE for an artifact
 * @throws what `loadImage` of `@cfskit/oci-spec` throws
 */
export async function loadRenderImage(source: ImageSource, options: ResolveOptions = {}): Promise<RenderImage> {
  const { config, layers } = await loadImage(source, options);
  const name = source.describe();
  if (config === undefined) throw new RenderError('NOT_AN_IMAGE', `${name} is an artifact and no container image`);
  const created = parseCreated(config.created);
  return { name, layers: layers.map((layer) => sourceLayer(source, layer)), ...(created && { created }) };
}

function sourceLayer(source: ImageSource, { descriptor, diffId }: ImageLayer): RenderLayer {
  const { digest, size, mediaType } = descriptor;
  return {
    name: digest,
    mediaType,
    blob: { digest, size },
    ...(diffId !== undefined && { diffId }),
    open: (how) => source.open(descriptor, how),
  };
}

/** The time of a config's `created`, to the second. */
export function parseCreated(text: string | undefined): Time | undefined {
  const milliseconds = Date.parse(text ?? '');
  return Number.isNaN(milliseconds) ? undefined : { seconds: BigInt(Math.floor(milliseconds / 1000)), nanoseconds: 0 };
}

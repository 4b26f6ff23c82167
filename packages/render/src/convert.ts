import type { ImageSource, ResolveOptions } from '@cfskit/oci-spec';
import { Arrivals } from './arrivals.ts';
import { RenderError } from './errors.ts';
import { openFetchedLayers } from './fetched-layers.ts';
import type { DirectorySpec, ImageSpec, SquashfsSpec, TarSpec } from './output-spec.ts';
import { loadRenderImage, type RenderImage } from './render-image.ts';
import { RenderRun, type RenderOptions, type RenderResult } from './render-run.ts';
import type { LayerMeta } from './file-layer.ts';

/** Which image of a source, and how it is rendered. */
export interface ConvertOptions extends RenderOptions, Pick<ResolveOptions, 'tag' | 'platform'> {
  /**
   * A directory for the stored layers while they are needed. For sources far away: a layer is opened twice unless it is kept here. Nothing is left.
   */
  readonly fetchDirectory?: string;
}

/**
 * Render an image: merge its layers as the image specification says and write the result. Size and digest of every layer and its diff_id are
 * checked before anything is written, and stored bytes once more while they are.
 *
 * A layer is opened twice. Where that would fetch it twice, give a `fetchDirectory`, or use {@link convertLayers} or `StreamingPacker`.
 *
 * @throws {RenderError} with what went wrong as its cause
 */
export async function convert(image: ImageSource | RenderImage, spec: ImageSpec, options: ConvertOptions = {}): Promise<RenderResult> {
  const found = await renderImageOf(image, options);
  if (options.fetchDirectory === undefined) return await render(found, spec, options);
  const fetched = await openFetchedLayers(options.fetchDirectory);
  try {
    return await render(fetched.keep(found), spec, options);
  } finally {
    await fetched.close();
  }
}

async function render({ name, layers, created }: RenderImage, spec: ImageSpec, options: ConvertOptions): Promise<RenderResult> {
  const run = new RenderRun({ name, created, count: layers.length }, spec, options);
  for (const [number, layer] of layers.entries()) run.add(number, layer);
  return await run.result;
}

/** The layers of an image, whichever way it is given. */
export async function renderImageOf(image: ImageSource | RenderImage, options: ConvertOptions): Promise<RenderImage> {
  if (!('resolve' in image)) return image;
  const { tag, platform, signal, onWarning } = options;
  return await loadRenderImage(image, {
    ...(tag !== undefined && { tag }),
    ...(platform && { platform }),
    ...(signal && { signal }),
    ...(onWarning && { onWarning }),
  });
}

/** {@link convert} to a tar. */
export async function convertTar(
  image: ImageSource | RenderImage,
  to: TarSpec['to'],
  options: ConvertOptions & Pick<TarSpec, 'order'> = {},
): Promise<RenderResult> {
  const { order, ...rest } = options;
  return await convert(image, { kind: 'tar', to, ...(order && { order }) }, rest);
}

/** {@link convert} to a squashfs image. */
export async function convertSquashfs(
  image: ImageSource | RenderImage,
  to: string,
  options: ConvertOptions & Omit<SquashfsSpec, 'kind' | 'to'> = {},
): Promise<RenderResult> {
  return await convert(image, { kind: 'squashfs', to, ...options }, options);
}

/** {@link convert} to a directory. */
export async function convertDir(
  image: ImageSource | RenderImage,
  to: string,
  options: ConvertOptions & Omit<DirectorySpec, 'kind' | 'to'> = {},
): Promise<RenderResult> {
  return await convert(image, { kind: 'dir', to, ...options }, options);
}

/** A layer that has arrived in a file. */
export interface ArrivedLayer extends LayerMeta {
  /** Counted from 0, the oldest. */
  readonly index: number;
  readonly path: string;
}

/**
 * Render layers that arrive one by one, in any order.
 *
 * @param layers ends when all are there; throws if one will not come
 * @param total how many there will be
 * @throws {RenderError} DOWNLOAD_FAILED, LAYERS_MISSING, LAYER_INDEX, LAYER_REPEATED, and as {@link convert}
 */
export async function convertLayers(
  layers: AsyncIterable<ArrivedLayer>,
  total: number,
  spec: ImageSpec,
  options: RenderOptions = {},
): Promise<RenderResult> {
  const arrivals = new Arrivals(total, spec, options);
  try {
    for await (const { index, path, ...meta } of layers) arrivals.add(index, path, meta);
  } catch (error) {
    if (error instanceof RenderError) arrivals.run.fail(error);
    else arrivals.fail(error);
  }
  return await arrivals.finish();
}

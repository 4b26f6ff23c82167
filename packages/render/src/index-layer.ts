import type { Expected } from '@cfskit/oci-spec';
import { RenderError } from './errors.ts';
import type { ImageBudget } from './image-budget.ts';
import { indexedEntry, type IndexedEntry } from './layer-entry.ts';
import { DiffIdCheck, layerFailed, readLayer, type ReadLayerOptions } from './layer-reading.ts';
import type { Limits } from './limits.ts';
import { pathShape } from './path-shape.ts';
import type { RenderLayer } from './render-image.ts';
import type { TarMember } from './tar-member.ts';
import { TarReader, type TarReaderSink } from './tar-reader.ts';
import type { UnpackedLayer, UnpackedLayers } from './unpacked-layers.ts';

/** A layer that has been read once, and what its stored bytes were: the second reading must find the same. */
export interface IndexedLayer {
  readonly layer: RenderLayer;
  readonly blob: Expected;
  /** What it unpacks to, if that was kept. */
  readonly unpacked?: UnpackedLayer;
}

/** What a layer consists of, without contents. */
export interface LayerIndex extends IndexedLayer {
  /** By ordinal. */
  readonly entries: readonly IndexedEntry[];
}

/** How a layer is read for its headers. */
export interface IndexLayerOptions extends ReadLayerOptions {
  /** Of all layers of the image. */
  readonly budget: ImageBudget;
  /** Keeps what it unpacks to. */
  readonly keep?: UnpackedLayers;
}

/**
 * Read a layer for its headers. Both of its digests have been checked when this resolves, as far as they are known.
 *
 * @param number of the layer, counted from 0, the oldest
 * @throws {RenderError} LAYER_FAILED; its cause is what is wrong with the tar, a digest, the media type or the compressed data
 */
export async function indexLayer(layer: RenderLayer, number: number, options: IndexLayerOptions): Promise<LayerIndex> {
  try {
    return await readHeaders(layer, number, options);
  } catch (error) {
    throw layerFailed(layer, number, error, options);
  }
}

async function readHeaders(layer: RenderLayer, number: number, options: IndexLayerOptions): Promise<LayerIndex> {
  const indexer = new Indexer(number, options);
  const reader = new TarReader(indexer, options.limits);
  const diffId = new DiffIdCheck(layer);
  const unpacked = options.keep?.begin(layer);
  let blob = layer.blob;
  for await (const chunk of readLayer(layer, { ...options, onBlob: (found) => (blob = found) })) {
    diffId.update(chunk);
    unpacked?.write(chunk);
    reader.push(chunk);
  }
  reader.finish();
  diffId.finish();
  return { layer, entries: indexer.entries, blob: blob!, ...(unpacked?.isWhole === true && { unpacked }) };
}

class Indexer implements TarReaderSink {
  readonly entries: IndexedEntry[] = [];
  readonly #number: number;
  readonly #limits: Limits;
  readonly #budget: ImageBudget;
  #content = 0;

  constructor(number: number, { limits, budget }: IndexLayerOptions) {
    this.#number = number;
    this.#limits = limits;
    this.#budget = budget;
  }

  member(member: TarMember, size: number): void {
    this.#check(member, size);
    this.entries.push(indexedEntry(member, size, { layer: this.#number, ordinal: this.entries.length }));
  }

  #check(member: TarMember, size: number): void {
    const { maxDepth, maxLayerBytes } = this.#limits;
    const place = { path: member.path, offset: member.offset };
    // As many characters as a path of that depth has at least.
    const depth = member.path.length > 2 * maxDepth - 2 ? pathShape(member.path).depth : 0;
    if (depth > maxDepth) throw new RenderError('LIMIT_DEPTH', `path of ${depth} components, at most ${maxDepth} are possible`, place);
    this.#budget.count(member, member.offset);
    this.#content += size;
    if (this.#content > maxLayerBytes) throw new RenderError('LIMIT_BYTES', `files of more than ${maxLayerBytes} bytes`, place);
  }

  data(): void {}
  hole(): void {}
  end(): void {}
}

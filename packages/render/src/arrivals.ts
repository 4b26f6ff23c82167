import { RenderError } from './errors.ts';
import { fileLayer, type LayerMeta } from './file-layer.ts';
import type { ImageSpec } from './output-spec.ts';
import { RenderRun, type RenderOptions, type RenderResult } from './render-run.ts';

/** A rendering whose layers arrive one by one, in any order, and whose number is known. */
export class Arrivals {
  /** What goes on behind it. */
  readonly run: RenderRun;
  readonly #count: number;
  readonly #arrived: Set<number> = new Set();

  constructor(count: number, spec: ImageSpec, options: RenderOptions) {
    this.#count = count;
    this.run = new RenderRun({ name: 'the image', count }, spec, options);
  }

  /** @throws {RenderError} LAYER_INDEX, LAYER_REPEATED, PACKER_CLOSED */
  add(index: number, path: string, meta: LayerMeta | undefined): void {
    const layer = index;
    if (meta === undefined || !Number.isInteger(index) || index < 0 || index >= this.#count) {
      throw new RenderError('LAYER_INDEX', `layer index ${index} is out of range: there are ${this.#count} layers`, { layer });
    }
    if (this.run.settled) throw new RenderError('PACKER_CLOSED', 'packer channel closed unexpectedly', { layer });
    if (this.#arrived.has(index)) throw new RenderError('LAYER_REPEATED', `layer ${index} has been there already`, { layer });
    this.#arrived.add(index);
    this.run.add(index, fileLayer(path, meta));
  }

  /** A layer will not come. */
  fail(cause: unknown): void {
    this.run.fail(new RenderError('DOWNLOAD_FAILED', 'download error received on streaming channel', { cause }));
  }

  /** No more layers come: wait for the output. @throws {RenderError} LAYERS_MISSING, and whatever went wrong */
  async finish(): Promise<RenderResult> {
    const missing = this.#count - this.#arrived.size;
    if (missing > 0) {
      this.run.fail(new RenderError('LAYERS_MISSING', `layer channel closed after ${this.#arrived.size} of ${this.#count} layers`));
    }
    return await this.run.result;
  }
}

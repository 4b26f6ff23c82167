import { Arrivals } from './arrivals.ts';
import { RenderError } from './errors.ts';
import type { LayerMeta } from './file-layer.ts';
import type { ImageSpec } from './output-spec.ts';
import type { RenderOptions, RenderResult, RenderRun } from './render-run.ts';

/** A packer that nobody can reach any more will not be finished. */
const abandoned = new FinalizationRegistry<RenderRun>((run) => run.fail(new RenderError('PACKER_CLOSED', 'the packer was given up')));

/**
 * Renders an image whose layers arrive as files, in any order. The output is begun at once; each layer is read for its headers as soon as it
 * is there; after the last one the merge runs, and contents are written newest layer first.
 *
 * Files have to stay until {@link StreamingPacker.finish} has settled. Layers wait as paths, so memory does not grow with them.
 */
export class StreamingPacker {
  readonly #arrivals: Arrivals;
  readonly #metas: readonly LayerMeta[];

  /** @param layerMetas one for each layer, the oldest first */
  constructor(layerMetas: readonly LayerMeta[], spec: ImageSpec, options: RenderOptions = {}) {
    this.#metas = layerMetas;
    this.#arrivals = new Arrivals(layerMetas.length, spec, options);
    abandoned.register(this, this.#arrivals.run, this);
  }

  /**
   * The file of a layer is complete.
   *
   * @param index of the layer, counted from 0, the oldest
   * @throws {RenderError} LAYER_INDEX, LAYER_REPEATED, PACKER_CLOSED if the rendering has failed: `finish` says why
   */
  notifyLayerReady(index: number, path: string): void {
    this.#arrivals.add(index, path, this.#metas[index]);
  }

  /** A layer will not come. `finish` rejects, with this as a cause. After a failure it has no effect. */
  notifyError(error: unknown): void {
    this.#arrivals.fail(error);
  }

  /**
   * Wait for the output. To be called after the last layer has been notified.
   *
   * @throws {RenderError} LAYERS_MISSING if not all layers have come, and whatever went wrong
   */
  async finish(): Promise<RenderResult> {
    abandoned.unregister(this);
    return await this.#arrivals.finish();
  }

  /** Give up, unless it is finished: programs end, and what is incomplete is removed. */
  async close(): Promise<void> {
    abandoned.unregister(this);
    const { run } = this.#arrivals;
    run.fail(new RenderError('PACKER_CLOSED', 'the packer was closed'));
    await run.result.catch(() => undefined);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

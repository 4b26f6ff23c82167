import { LayerMerge, type ByteString, type MergePolicy } from '@cfskit/fs-tree';
import type { LayerIndex } from './index-layer.ts';
import { layerFailed, type ReadingContext } from './layer-reading.ts';
import type { FileSize } from './layer-entry.ts';
import { planOutput, type Plan } from './plan.ts';
import { Turns } from './turns.ts';

/** How layers are merged. */
export interface MergeLayersOptions extends ReadingContext {
  /** Default `oci`. */
  readonly policy?: MergePolicy;
  /** A hard link without a target is an error. Default: it is left out. */
  readonly strict?: boolean;
  readonly onDroppedLink?: (path: ByteString, target: ByteString) => void;
}

/** Entries between two looks at the clock: one takes less than a microsecond, or a millisecond at the end of a long chain of links. */
const LOOK = 64;

/**
 * Merge indexed layers, the oldest first, and plan the output.
 *
 * @throws {RenderError} LAYER_FAILED with what the merge says as its cause
 */
export async function mergeLayers(indexes: readonly LayerIndex[], options: MergeLayersOptions): Promise<Plan> {
  const { policy = 'oci', strict = false, onDroppedLink, limits, signal } = options;
  const merge = new LayerMerge<FileSize>({
    policy,
    strict,
    limits: { maxEntries: limits.maxEntries, maxDepth: limits.maxDepth },
    ...(onDroppedLink && { onDroppedLink }),
  });
  const turns = new Turns(signal);
  for (const [number, { layer, entries }] of indexes.entries()) {
    merge.beginLayer();
    try {
      for (const [ordinal, entry] of entries.entries()) {
        merge.add(entry);
        if (ordinal % LOOK === 0 && turns.due) await turns.take();
      }
    } catch (error) {
      throw layerFailed(layer, number, error, options);
    }
    signal?.throwIfAborted();
  }
  return planOutput(
    merge.finish(),
    indexes.map(({ entries }) => entries),
  );
}

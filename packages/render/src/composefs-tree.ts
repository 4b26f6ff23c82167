import { LayerMerge, transformForOci, type Directory, type LayerEntry, type XattrMode } from '@cfskit/fs-tree';
import type { Algorithm } from '@cfskit/fs-verity';
import { nullReporter, safeReporter, type Reporter } from '@cfskit/progress';
import { LayerDecoder, type Threads } from './decode-threads.ts';
import { ImageBudget } from './image-budget.ts';
import { layerFailed, type ReadingContext } from './layer-reading.ts';
import { withDefaults, type RenderLimits } from './limits.ts';
import type { RenderImage, RenderLayer } from './render-image.ts';
import { DigestOnly, splitLayer, type ContentStore } from './split-layer.ts';
import { Turns } from './turns.ts';

/** How the tree of a composefs image is made. */
export interface ComposefsOptions {
  /** Of the fs-verity digests. Default `sha512`. */
  readonly algorithm?: Algorithm;
  /** Which extended attributes stay. Default `allowlist-only`. */
  readonly xattrs?: XattrMode;
  /** Keeps the contents of files; without it they are only hashed. Its digests are those of `algorithm`. */
  readonly store?: ContentStore;
  readonly limits?: RenderLimits;
  readonly threads?: Threads;
  readonly signal?: AbortSignal;
  /** Told of the bytes of layers, with diff_ids or digests as ids. */
  readonly reporter?: Reporter;
}

/**
 * The tree that a composefs image of a container image holds: layers applied in archive order, as composefs-rs does, then the OCI transform. The
 * image made of it has the id that other tools compute. Each layer is read once.
 *
 * @throws {RenderError} LAYER_FAILED. {FsTreeError} for an image without `/usr`, and others that the transform refuses
 */
export async function composefsTree(image: RenderImage, options: ComposefsOptions = {}): Promise<Directory> {
  const { algorithm = 'sha512', store = new DigestOnly(algorithm), threads, signal } = options;
  const reporter = options.reporter === undefined ? nullReporter : safeReporter(options.reporter);
  const decoder = new LayerDecoder(threads);
  const context: ReadingContext = { image: image.name, decoder, limits: withDefaults(options.limits), ...(signal && { signal }) };
  try {
    const merge = new LayerMerge({ policy: 'archive-order', shareStats: true, limits: { maxEntries: context.limits.maxEntries } });
    const budget = new ImageBudget(context.limits);
    for (const [number, layer] of image.layers.entries()) {
      const entries = await readSplit(layer, number, store, { ...context, budget }, reporter);
      merge.beginLayer();
      await addAll(merge, entries, layer, number, context);
    }
    const { root } = merge.finish();
    transformForOci(root, options.xattrs);
    return root;
  } finally {
    await decoder.close();
  }
}

async function readSplit(
  layer: RenderLayer,
  number: number,
  store: ContentStore,
  context: ReadingContext & { readonly budget: ImageBudget },
  reporter: Reporter,
): Promise<readonly LayerEntry[]> {
  const id = layer.diffId ?? layer.name;
  const total = layer.blob?.size;
  reporter.report({ type: 'started', id, unit: 'bytes', ...(total !== undefined && { total }) });
  const entries = await splitLayer(layer, number, store, { ...context, progress: { reporter, id } });
  reporter.report({ type: 'done', id, transferred: total ?? 0 });
  return entries;
}

/** Entries between two looks at the clock. */
const LOOK = 64;

async function addAll(
  merge: LayerMerge,
  entries: readonly LayerEntry[],
  layer: RenderLayer,
  number: number,
  context: ReadingContext,
): Promise<void> {
  const turns = new Turns(context.signal);
  for (const [ordinal, entry] of entries.entries()) {
    try {
      merge.add(entry);
    } catch (error) {
      throw layerFailed(layer, number, error, context);
    }
    if (ordinal % LOOK === 0 && turns.due) await turns.take();
  }
}

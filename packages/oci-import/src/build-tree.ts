import { layerEntryOf, LayerMerge, packContent, transformForOci } from '@cfskit/fs-tree';
import type { Directory, LayerEntry, MergeLimits, XattrMode } from '@cfskit/fs-tree';
import type { ObjectId } from '@cfskit/fs-verity';
import type { Repository } from '@cfskit/repository';
import { CONTENT_TYPE } from '@cfskit/splitstream';
import { readEntries } from '@cfskit/tar-split';
import type { TarEntry } from '@cfskit/tar-split';
import { Breather } from './breather.ts';
import { OciImportError } from './errors.ts';
import type { NamedRef } from './image-refs.ts';
import { releasingBlocks } from './released-blocks.ts';

/** How a tree is built. */
export interface BuildTreeOptions {
  /** Which extended attributes are kept; `allowlist-only` unless told. */
  readonly xattrs?: XattrMode;
  readonly limits?: MergeLimits;
  /** Called with the number of layers that are in. */
  readonly onLayer?: (applied: number) => void;
  readonly signal?: AbortSignal;
}

/** After so many entries it is looked whether others want the thread. */
const ENTRIES_BETWEEN_BREATHS = 256;

/**
 * The file system of an image: its layers, bottom first, in the order of their archives, and the transform that all images get. No object
 * but the streams is opened.
 *
 * Memory: 120 to 500 bytes per entry. 100,000 entries take 0.6 s.
 *
 * @param layers diff_ids and their streams
 * @throws {OciImportError} IMAGE_FAILED: a layer that cannot be listed or has no place in the tree, or a tree without `/usr`; the cause says
 *   which entry. The signal's reason
 */
export async function buildTree(repository: Repository, layers: readonly NamedRef[], options: BuildTreeOptions = {}): Promise<Directory> {
  const { limits, xattrs, onLayer, signal } = options;
  const merge = new LayerMerge({ policy: 'archive-order', shareStats: true, ...(limits && { limits }) });
  for (const [index, [diffId, id]] of layers.entries()) {
    try {
      await applyLayer(repository, merge, id, signal);
    } catch (cause) {
      signal?.throwIfAborted();
      const message = `Failed to apply layer ${index + 1} of ${layers.length}, diff_id ${diffId}`;
      throw new OciImportError('IMAGE_FAILED', message, { blob: diffId }, { cause });
    }
    onLayer?.(index + 1);
  }
  const { root } = merge.finish();
  try {
    transformForOci(root, xattrs);
  } catch (cause) {
    throw new OciImportError(
      'IMAGE_FAILED',
      'No EROFS image can be made of these layers; the image can be stored without one',
      {},
      { cause },
    );
  }
  return root;
}

async function applyLayer(repository: Repository, merge: LayerMerge, id: ObjectId, signal: AbortSignal | undefined): Promise<void> {
  const stream = await repository.openStream({ id }, { contentType: CONTENT_TYPE.layer });
  const breather = new Breather();
  let entries = 0;
  signal?.throwIfAborted();
  merge.beginLayer();
  for await (const entry of readEntries(releasingBlocks(stream.chunks()))) {
    merge.add(packedEntryOf(entry));
    if (++entries % ENTRIES_BETWEEN_BREATHS !== 0) continue;
    await breather.breathe();
    signal?.throwIfAborted();
  }
}

function packedEntryOf(entry: TarEntry): LayerEntry {
  const unpacked = layerEntryOf(entry);
  return unpacked.kind === 'file' ? { ...unpacked, content: packContent(unpacked.content) } : unpacked;
}

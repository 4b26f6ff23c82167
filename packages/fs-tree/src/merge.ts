import { ArchiveOrder } from './archive-order.ts';
import { DEPTH_MAX } from './bounds.ts';
import { FsTreeError } from './errors.ts';
import type { ByteString } from './escape.ts';
import { nodeOf, type LayerEntry } from './layer-entry.ts';
import { parseMarker } from './marker.ts';
import type { MergeRules } from './merge-rules.ts';
import { Directory, type FileContent } from './node.ts';
import { OciOrder, type EntryPosition } from './oci-order.ts';
import { ownName, splitPath } from './path.ts';
import { StatPool } from './stat-pool.ts';

/**
 * How the markers, gaps and links of layers are understood.
 *
 * - `archive-order`: entry by entry as the reference does it; every image id depends on it
 * - `oci`: as the image specification says: markers hide only what older layers wrote, missing parents are made, symbolic links followed
 */
export type MergePolicy = 'archive-order' | 'oci';

/** Bounds for hostile layers. Entries are counted over all layers, also those that later ones replace. */
export interface MergeLimits {
  /** Default 10,000,000. */
  readonly maxEntries?: number;
  /** Directories nest less deep than this. Default 2048, which is what images can hold. */
  readonly maxDepth?: number;
  /** Bytes of names and values of all extended attributes. Default 1 GiB. */
  readonly maxXattrBytes?: number;
}

/** How to merge. */
export interface MergeOptions {
  readonly policy: MergePolicy;
  /** Under `oci`: a hard link whose target is missing or a directory is an error. Default: it is left out. */
  readonly strict?: boolean;
  /** Under `oci`: called for each hard link that is left out. */
  readonly onDroppedLink?: (path: ByteString, target: ByteString) => void;
  /** Nodes with the same metadata share them, which saves memory. Not for metadata that say more than a `Stat` does. Default: they do not. */
  readonly shareStats?: boolean;
  readonly limits?: MergeLimits;
}

/** The outcome of a merge. */
export interface MergedTree<C = FileContent> {
  readonly root: Directory<C>;
  /** Under `oci`: which entry wrote a name of a directory of the tree last. Under `archive-order` always nothing. */
  readonly position: (directory: Directory<C>, name: ByteString) => EntryPosition | undefined;
}

const ENTRIES_MAX = 10_000_000;
const XATTR_BYTES_MAX = 1024 ** 3;

/**
 * Layers on their way to one tree: `beginLayer` for each layer, the oldest first, then `add` for each of its entries in archive order.
 *
 * All in memory: about 150 bytes per entry, and the content. After an error the merge is of no further use.
 */
export class LayerMerge<C = FileContent> {
  readonly #root: Directory<C>;
  readonly #rules: MergeRules<C>;
  readonly #oci: OciOrder<C> | undefined;
  readonly #limits: MergeLimits;
  readonly #stats: StatPool | undefined;
  #entries = 0;
  #xattrBytes = 0;

  constructor(options: MergeOptions) {
    const { policy, limits = {}, strict = false, onDroppedLink = () => {}, shareStats = false } = options;
    const maxDepth = limits.maxDepth ?? DEPTH_MAX;
    const root = (): Directory<C> => this.#root;
    this.#limits = limits;
    this.#stats = shareStats ? new StatPool() : undefined;
    this.#oci = policy === 'oci' ? new OciOrder<C>(root, { maxDepth, strict, onDroppedLink }) : undefined;
    this.#rules = this.#oci ?? new ArchiveOrder<C>(root, maxDepth);
    this.#root = new Directory<C>(this.#rules.rootStat);
  }

  beginLayer(): void {
    this.#rules.beginLayer();
  }

  /** @throws {FsTreeError} for an entry that has no place, or that no image can hold */
  add(entry: LayerEntry<C>): void {
    this.#count(entry);
    const names = splitPath(entry.path);
    const place = this.#rules.place(names);
    if (place === 'root') this.#setRoot(entry);
    if (place !== 'tree') return;
    const name = names.at(-1)!;
    const marker = parseMarker(name);
    if (marker === undefined) this.#put(names, name, entry);
    else this.#rules.mark(names, marker, entry);
  }

  /** The tree of all that was added. */
  finish(): MergedTree<C> {
    return { root: this.#root, position: (directory, name) => this.#oci?.position(directory, name) };
  }

  #put(names: readonly ByteString[], name: ByteString, entry: LayerEntry<C>): void {
    const node = entry.kind === 'hard-link' ? this.#rules.linkTarget(entry) : nodeOf(entry, this.#stats?.share(entry.stat) ?? entry.stat);
    if (node === undefined) return;
    const directory = this.#rules.parent(names, entry);
    const own = ownName(name);
    directory.merge(own, node);
    this.#rules.wrote(directory, own);
  }

  #setRoot(entry: LayerEntry<C>): void {
    if (entry.kind !== 'directory') throw new FsTreeError('NOT_A_DIRECTORY', entry.path, 'the entry for the root must be a directory');
    this.#root.stat = entry.stat;
  }

  #count(entry: LayerEntry<C>): void {
    const { maxEntries = ENTRIES_MAX, maxXattrBytes = XATTR_BYTES_MAX } = this.#limits;
    if (++this.#entries > maxEntries) throw new FsTreeError('LIMIT', '', `more than ${maxEntries} entries`);
    if (entry.stat.xattrs.size === 0) return;
    for (const [name, value] of entry.stat.xattrs) this.#xattrBytes += name.length + value.length;
    if (this.#xattrBytes > maxXattrBytes) throw new FsTreeError('LIMIT', '', `more than ${maxXattrBytes} bytes of extended attributes`);
  }
}

/**
 * The tree of a stack of layers, the oldest first. File contents are passed on and never looked into.
 *
 * @throws {FsTreeError} as {@link LayerMerge}
 */
export async function applyLayers<C = FileContent>(
  layers: Iterable<AsyncIterable<LayerEntry<C>> | Iterable<LayerEntry<C>>>,
  options: MergeOptions,
): Promise<MergedTree<C>> {
  const merge = new LayerMerge<C>(options);
  for (const layer of layers) {
    merge.beginLayer();
    for await (const entry of layer) merge.add(entry);
  }
  return merge.finish();
}

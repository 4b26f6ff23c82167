import { FsTreeError } from './errors.ts';
import type { ByteString } from './escape.ts';
import type { LayerEntry, LinkEntry } from './layer-entry.ts';
import type { Marker } from './marker.ts';
import { checkDepth, requireLeaf, type MergeRules } from './merge-rules.ts';
import type { Directory, Leaf } from './node.ts';
import { lookupNames, openDirectory, refuseParent, splitPath } from './path.ts';
import { EPOCH, NO_XATTRS, type Stat } from './stat.ts';

/**
 * The reference's rules: nothing separates layers, so a marker acts on all that is there when it is met; parents must be there and be
 * directories, and so must the targets of hard links, even of markers.
 */
export class ArchiveOrder<C> implements MergeRules<C> {
  readonly rootStat: Stat = { mode: 0, uid: 0, gid: 0, mtime: EPOCH, xattrs: NO_XATTRS };
  readonly #root: () => Directory<C>;
  readonly #maxDepth: number;

  constructor(root: () => Directory<C>, maxDepth: number) {
    this.#root = root;
    this.#maxDepth = maxDepth;
  }

  beginLayer(): void {}

  place(names: readonly ByteString[]): 'root' | 'tree' {
    const name = names.at(-1);
    return name === undefined || name === '..' ? 'root' : 'tree';
  }

  mark(names: readonly ByteString[], marker: Marker, entry: LayerEntry<C>): void {
    if (entry.kind === 'hard-link') this.linkTarget(entry);
    const directory = this.#open(names);
    if (marker.kind === 'opaque') directory.clear();
    else directory.remove(marker.hides);
  }

  linkTarget(entry: LinkEntry): Leaf<C> {
    const names = splitPath(entry.target);
    if (names.length === 0) throw new FsTreeError('INVALID_PATH', entry.path, 'hard link without a target');
    return requireLeaf(lookupNames(this.#root(), names), names);
  }

  parent(names: readonly ByteString[], entry: LayerEntry<C>): Directory<C> {
    checkDepth(names, names.length - 1, entry, this.#maxDepth);
    return this.#open(names);
  }

  wrote(): void {}

  #open(names: readonly ByteString[]): Directory<C> {
    refuseParent(names);
    return openDirectory(this.#root(), names, names.length - 1);
  }
}

import { FsTreeError } from './errors.ts';
import type { ByteString } from './escape.ts';
import type { LayerEntry, LinkEntry } from './layer-entry.ts';
import type { Marker } from './marker.ts';
import type { Directory, Leaf } from './node.ts';
import { joinPath } from './path.ts';
import type { Stat } from './stat.ts';

/** The part of a merge that the policies do differently. `names` are the components of the entry's path, the last one its name. */
export interface MergeRules<C> {
  /** Metadata of the root until an entry sets it. */
  readonly rootStat: Stat;
  beginLayer(): void;
  /** Whether the entry sets the root's metadata, is left out, or has a place in the tree. */
  place(names: readonly ByteString[]): 'root' | 'skip' | 'tree';
  /** Apply a marker. */
  mark(names: readonly ByteString[], marker: Marker, entry: LayerEntry<C>): void;
  /** The leaf that a hard link names; nothing if the link is left out. */
  linkTarget(entry: LinkEntry): Leaf<C> | undefined;
  /** The directory that the entry goes into. */
  parent(names: readonly ByteString[], entry: LayerEntry<C>): Directory<C>;
  /** The entry has been put into `directory`. */
  wrote(directory: Directory<C>, name: ByteString): void;
}

/**
 * @param depth of the directory that the entry goes into; the root's is 0
 * @throws {FsTreeError} LIMIT
 */
export function checkDepth(names: readonly ByteString[], depth: number, entry: LayerEntry<unknown>, maxDepth: number): void {
  const deepest = entry.kind === 'directory' ? depth + 1 : depth;
  if (deepest >= maxDepth)
    throw new FsTreeError('LIMIT', '', `directories nested ${names.length} deep, less than ${maxDepth} are possible`);
}

/** The leaf, or an error if a directory stands there. */
export function requireLeaf<C>(node: Directory<C> | Leaf<C>, names: readonly ByteString[]): Leaf<C> {
  if (node.kind === 'directory') throw new FsTreeError('IS_A_DIRECTORY', joinPath(names), 'hard link to a directory');
  return node;
}

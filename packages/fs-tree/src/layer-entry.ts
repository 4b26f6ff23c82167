import { checkDevice, checkTarget } from './bounds.ts';
import type { ByteString } from './escape.ts';
import { Directory, type FileContent, type Node } from './node.ts';
import type { Stat } from './stat.ts';

interface Common {
  /** A path in the tree; a leading slash makes no difference. */
  readonly path: ByteString;
  /** Not used for hard links. This or an equal one becomes part of the tree. */
  readonly stat: Stat;
}

/** One entry of a layer that has a node of its own. `C` stands for the content of files, which is not looked into. */
export type NodeEntry<C = FileContent> = Common &
  (
    | { readonly kind: 'directory' | 'fifo' | 'socket' }
    | { readonly kind: 'file'; readonly content: C }
    | { readonly kind: 'symlink'; readonly target: ByteString }
    | { readonly kind: 'character-device' | 'block-device'; readonly rdev: number | bigint }
  );

/** Another name for what is at `target` when this entry is met. */
export interface LinkEntry extends Common {
  readonly kind: 'hard-link';
  readonly target: ByteString;
}

/** One entry of a layer. */
export type LayerEntry<C = FileContent> = NodeEntry<C> | LinkEntry;

/**
 * @param stat that of the entry, or an equal one that nodes share
 * @throws {FsTreeError} INVALID_TARGET, INVALID_DEVICE for what no image can hold
 */
export function nodeOf<C>(entry: NodeEntry<C>, stat: Stat): Node<C> {
  const { path } = entry;
  switch (entry.kind) {
    case 'directory':
      return new Directory<C>(stat);
    case 'file':
      return { kind: 'file', stat, content: entry.content };
    case 'symlink':
      checkTarget(path, entry.target);
      return { kind: 'symlink', stat, target: entry.target };
    case 'character-device':
    case 'block-device':
      return { kind: entry.kind, stat, rdev: checkDevice(path, entry.rdev) };
    default:
      return { kind: entry.kind, stat };
  }
}

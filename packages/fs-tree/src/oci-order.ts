import { FsTreeError } from './errors.ts';
import type { ByteString } from './escape.ts';
import type { LayerEntry, LinkEntry } from './layer-entry.ts';
import { isReserved, type Marker } from './marker.ts';
import { checkDepth, type MergeRules } from './merge-rules.ts';
import { Directory, type Leaf } from './node.ts';
import { joinPath, refuseParent, splitPath, walk, type Walk } from './path.ts';
import { EPOCH, NO_XATTRS, type Stat } from './stat.ts';

/** Which entry wrote a name last. */
export interface EntryPosition {
  /** Counted from 0, the oldest. */
  readonly layer: number;
  /** Counted from 0 in its layer, markers and entries that were left out included; nothing for a directory that no entry describes. */
  readonly ordinal: number | undefined;
}

/** What the rules need from the merge. */
export interface OciOrderOptions {
  readonly maxDepth: number;
  readonly strict: boolean;
  readonly onDroppedLink: (path: ByteString, target: ByteString) => void;
}

/** Metadata of a directory that entries need as a parent but none describes. */
const IMPLIED: Stat = { mode: 0o755, uid: 0, gid: 0, mtime: EPOCH, xattrs: NO_XATTRS };

/** Positions are kept as one number: the layer above, the ordinal plus one below; 0 is an implied directory. */
const LAYER = 2 ** 32;

/** The image specification's rules, as umoci applies them. */
export class OciOrder<C> implements MergeRules<C> {
  readonly rootStat: Stat = IMPLIED;
  readonly #root: () => Directory<C>;
  readonly #options: OciOrderOptions;
  readonly #written = new WeakMap<Directory<C>, Map<ByteString, number>>();
  /** The layer in which all that older layers left below a directory was hidden last: a second time there is nothing to do. */
  readonly #hidden = new WeakMap<Directory<C>, number>();
  #layer = -1;
  #ordinal = 0;

  constructor(root: () => Directory<C>, options: OciOrderOptions) {
    this.#root = root;
    this.#options = options;
  }

  position(directory: Directory<C>, name: ByteString): EntryPosition | undefined {
    const packed = this.#written.get(directory)?.get(name);
    if (packed === undefined) return undefined;
    const ordinal = packed % LAYER;
    return { layer: Math.floor(packed / LAYER), ordinal: ordinal === 0 ? undefined : ordinal - 1 };
  }

  beginLayer(): void {
    this.#layer++;
    this.#ordinal = 0;
  }

  place(names: readonly ByteString[]): 'root' | 'skip' | 'tree' {
    this.#ordinal++;
    refuseParent(names);
    if (isReserved(names)) return 'skip';
    return names.length === 0 ? 'root' : 'tree';
  }

  mark(names: readonly ByteString[], marker: Marker): void {
    if (marker.kind === 'whiteout' && marker.hides === '') throw new FsTreeError('INVALID_NAME', joinPath(names), 'whiteout of no name');
    const { trail, missing, blocked } = walk(this.#root(), names.slice(0, -1));
    if (blocked !== undefined || missing.length > 0) return;
    const directory = trail.at(-1)!;
    if (marker.kind === 'opaque') this.#hideBelow(directory);
    else this.#hide(directory, marker.hides);
  }

  linkTarget(entry: LinkEntry): Leaf<C> | undefined {
    const names = splitPath(entry.target);
    if (names.length === 0) throw new FsTreeError('INVALID_PATH', entry.path, 'hard link without a target');
    refuseParent(names);
    const node = this.#find(names);
    if (node !== undefined && node.kind !== 'directory') return node;
    if (this.#options.strict) {
      throw new FsTreeError(node ? 'IS_A_DIRECTORY' : 'NOT_FOUND', entry.path, `hard link without a target, ${joinPath(names)}`);
    }
    this.#options.onDroppedLink(entry.path, entry.target);
    return undefined;
  }

  parent(names: readonly ByteString[], entry: LayerEntry<C>): Directory<C> {
    const parents = names.slice(0, -1);
    const { trail, missing, blocked } = walk(this.#root(), parents);
    if (blocked !== undefined) throw new FsTreeError('NOT_A_DIRECTORY', joinPath(parents), `wanted a directory, found a ${blocked.kind}`);
    checkDepth(names, trail.length - 1 + missing.length, entry, this.#options.maxDepth);
    let directory = trail.at(-1)!;
    for (const name of missing) {
      const implied = new Directory<C>(IMPLIED);
      directory.insert(name, implied);
      this.#note(directory, name, 0);
      directory = implied;
    }
    return directory;
  }

  wrote(directory: Directory<C>, name: ByteString): void {
    this.#note(directory, name, this.#ordinal);
  }

  // The last component is not followed. Where the way to it goes in circles, nothing is there.
  #find(names: readonly ByteString[]): Directory<C> | Leaf<C> | undefined {
    let way: Walk<C>;
    try {
      way = walk(this.#root(), names.slice(0, -1));
    } catch (error) {
      if (error instanceof FsTreeError && error.code === 'SYMLINK_LOOP') return undefined;
      throw error;
    }
    const there = way.blocked === undefined && way.missing.length === 0;
    return there ? way.trail.at(-1)!.get(names.at(-1)!) : undefined;
  }

  #note(directory: Directory<C>, name: ByteString, ordinal: number): void {
    let written = this.#written.get(directory);
    if (written === undefined) {
      written = new Map();
      this.#written.set(directory, written);
    }
    written.set(name, this.#layer * LAYER + ordinal);
  }

  #isOlder(directory: Directory<C>, name: ByteString): boolean {
    return (this.#written.get(directory)?.get(name) ?? 0) < this.#layer * LAYER;
  }

  #hide(directory: Directory<C>, name: ByteString): void {
    const node = directory.get(name);
    if (node?.kind === 'directory') this.#hideBelow(node);
    if (node !== undefined) this.#hideEntry(directory, name, node);
  }

  /** Hide everything in `top` that older layers wrote. */
  #hideBelow(top: Directory<C>): void {
    const directories = [top]; // parents before their children
    for (const directory of directories) {
      if (this.#hidden.get(directory) === this.#layer) continue;
      for (const [, node] of directory.entries()) if (node.kind === 'directory') directories.push(node);
    }
    for (const directory of directories.toReversed()) {
      if (this.#hidden.get(directory) === this.#layer) continue;
      for (const [name, node] of directory.entries()) this.#hideEntry(directory, name, node);
      this.#hidden.set(directory, this.#layer);
    }
  }

  /** What is in the node is hidden already. A directory in which newer entries are left stays, as one that no entry describes. */
  #hideEntry(directory: Directory<C>, name: ByteString, node: Directory<C> | Leaf<C>): void {
    if (!this.#isOlder(directory, name)) return;
    if (node.kind === 'directory' && node.size > 0) {
      node.stat = IMPLIED;
      this.#note(directory, name, 0);
    } else {
      directory.remove(name);
    }
  }
}

import type { ObjectId } from '@cfskit/fs-verity';
import { FsTreeError } from './errors.ts';
import type { ByteString } from './escape.ts';
import type { Stat } from './stat.ts';

/**
 * Content of a regular file.
 *
 * - `inline`: the bytes themselves
 * - `external`: an object, whose id the image holds as the digest to expect. `payload` is the path that a dumpfile gave, where it is another
 *   than the object's; empty if it gave none.
 * - `external-no-verity`: the same without a digest to expect; from dumpfiles and images only
 * - `sparse`: a size and nothing else; from dumpfiles and images only
 */
export type FileContent =
  | { readonly kind: 'inline'; readonly bytes: Uint8Array }
  | { readonly kind: 'external'; readonly objectId: ObjectId; readonly size: number; readonly payload?: ByteString }
  | { readonly kind: 'external-no-verity'; readonly payload: ByteString; readonly size: number }
  | { readonly kind: 'sparse'; readonly size: number };

/** Where a dumpfile has the line of a leaf that is no bare link, and which link count that line gives. */
export interface DumpOrigin<C = FileContent> {
  readonly directory: Directory<C>;
  readonly name: ByteString;
  readonly nlink: number;
}

interface LeafCommon<C> {
  stat: Stat;
  /**
   * Only in trees read from a dumpfile, and only where a line says more than the tree: for leaves with links, and for link counts other
   * than 1. Nothing but a writer that follows the dumpfile to the letter looks at it.
   */
  origin?: DumpOrigin<C>;
}

/** A regular file; `C` is what stands for its content, which trees never look into. */
export interface FileLeaf<C = FileContent> extends LeafCommon<C> {
  readonly kind: 'file';
  readonly content: C;
}

/** A symbolic link. */
export interface SymlinkLeaf<C = FileContent> extends LeafCommon<C> {
  readonly kind: 'symlink';
  readonly target: ByteString;
}

/** A device; `rdev` is Linux' 32-bit device number. A character device with number 0 is a whiteout of overlayfs. */
export interface DeviceLeaf<C = FileContent> extends LeafCommon<C> {
  readonly kind: 'character-device' | 'block-device';
  readonly rdev: number;
}

/** A FIFO or a socket. */
export interface SpecialLeaf<C = FileContent> extends LeafCommon<C> {
  readonly kind: 'fifo' | 'socket';
}

/**
 * Everything that is no directory. Hard links are several entries with the same leaf object; none of them comes first, and link counts are
 * computed when they are needed.
 */
export type Leaf<C = FileContent> = FileLeaf<C> | SymlinkLeaf<C> | DeviceLeaf<C> | SpecialLeaf<C>;

/** What a directory entry names. */
export type Node<C = FileContent> = Directory<C> | Leaf<C>;

/** The longest name, in bytes. */
export const NAME_MAX = 255;

/** What directories have that never had an entry: there may be very many. Nothing is ever put into it. */
const NO_ENTRIES = new Map<ByteString, never>();

/** A directory: metadata, and entries in ascending order of their names' bytes. A file system is its root directory. */
export class Directory<C = FileContent> {
  readonly kind = 'directory';
  stat: Stat;
  #entries: Map<ByteString, Node<C>> = NO_ENTRIES;
  #sorted = true;
  /** At least as great as every name, while #sorted. */
  #greatest = '';

  constructor(stat: Stat) {
    this.stat = stat;
  }

  /** Number of entries. */
  get size(): number {
    return this.#entries.size;
  }

  get(name: ByteString): Node<C> | undefined {
    return this.#entries.get(name);
  }

  /** Name and node of each entry, in order. Entries may be removed or replaced while they are gone through, but not added. */
  entries(): MapIterator<[ByteString, Node<C>]> {
    this.#sort();
    return this.#entries.entries();
  }

  /**
   * Replace whatever is there, also a directory with all that is in it.
   *
   * @throws {FsTreeError} INVALID_NAME for a name that no directory can hold: 1 to 255 bytes, no NUL and no slash, not `.` or `..`
   */
  insert(name: ByteString, node: Node<C>): void {
    checkName(name);
    if (name > this.#greatest) this.#greatest = name;
    else if (this.#sorted && !this.#entries.has(name)) this.#sorted = false;
    if (this.#entries === NO_ENTRIES) this.#entries = new Map();
    this.#entries.set(name, node);
  }

  /**
   * A directory onto a directory replaces the metadata, all of it, and leaves the children; everything else inserts.
   *
   * @throws {FsTreeError} INVALID_NAME
   */
  merge(name: ByteString, node: Node<C>): void {
    const existing = this.get(name);
    if (existing?.kind === 'directory' && node.kind === 'directory') existing.stat = node.stat;
    else this.insert(name, node);
  }

  /** Nothing happens if there is no such entry. */
  remove(name: ByteString): void {
    this.#entries.delete(name);
  }

  /** Remove all entries and keep the metadata. */
  clear(): void {
    this.#entries = NO_ENTRIES;
    this.#sorted = true;
    this.#greatest = '';
  }

  #sort(): void {
    if (this.#sorted) return;
    const names = [...this.#entries.keys()].toSorted();
    this.#entries = new Map(names.map((name) => [name, this.#entries.get(name)!]));
    this.#sorted = true;
    this.#greatest = names.at(-1) ?? '';
  }
}

/** Whether overlayfs would take this leaf for the mark of a removed name. */
export function isWhiteout(leaf: Leaf<unknown>): boolean {
  return leaf.kind === 'character-device' && leaf.rdev === 0;
}

function checkName(name: ByteString): void {
  if (name === '' || name === '.' || name === '..' || name.includes('/') || name.includes('\0')) {
    throw new FsTreeError('INVALID_NAME', name, 'not a file name');
  }
  if (name.length > NAME_MAX)
    throw new FsTreeError('INVALID_NAME', name, `file name of ${name.length} bytes, at most ${NAME_MAX} are possible`);
}

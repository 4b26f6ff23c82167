import { DEPTH_MAX, isWhiteout, type ByteString, type Directory, type FileContent, type Leaf, type Node } from '@cfskit/fs-tree';
import { MAX_FILE_SIZE } from './chunk.ts';
import type { FormatVersion, Profile } from './format.ts';
import { PlannedInode, type Entries } from './planned-inode.ts';
import { stubsOf } from './stub.ts';
import { checkStat, maxInlineSize, maxTargetLength, unwritable } from './writable.ts';

/** What to write. */
export interface PlanOptions {
  readonly version: FormatVersion;
  readonly profile: Profile;
}

/**
 * Every inode of the image in depth-first order of the names, the root first; a leaf with several names where the first of them is.
 *
 * @throws {ErofsError} UNWRITABLE for what the format cannot hold
 */
export function planTree(root: Directory, options: PlanOptions): PlannedInode[] {
  return new Planner(options).plan(root);
}

interface Level {
  readonly directory: Directory;
  readonly inode: PlannedInode;
  readonly entries: Entries;
  readonly ahead: Iterator<readonly [ByteString, Node]>;
}

class Planner {
  readonly #version: FormatVersion;
  readonly #profile: Profile;
  readonly #inodes: PlannedInode[] = [];
  /** Those with several names, as soon as the first of them has been met. */
  readonly #linked = new Map<Leaf, PlannedInode | undefined>();
  readonly #levels: Level[] = [];
  /** Character devices with number 0 that stay what they are. */
  #stubs: ReadonlySet<Leaf> = new Set();

  constructor({ version, profile }: PlanOptions) {
    this.#version = version;
    this.#profile = profile;
  }

  plan(root: Directory): PlannedInode[] {
    for (const leaf of linkedLeaves(root)) this.#linked.set(leaf, undefined);
    this.#enter(root, undefined, '', this.#rootEntries(root));
    for (let level = this.#levels.at(-1); level !== undefined; level = this.#levels.at(-1)) {
      if (!this.#continue(level)) this.#levels.pop();
    }
    return this.#inodes;
  }

  #rootEntries(root: Directory): Iterator<readonly [ByteString, Node]> {
    if (this.#version === 2) return root.entries();
    const { entries, stubs } = stubsOf(root, this.#profile);
    this.#stubs = stubs;
    return entries.values();
  }

  #enter(directory: Directory, parent: PlannedInode | undefined, name: ByteString, ahead: Level['ahead']): PlannedInode {
    const inode = this.#add(new PlannedInode(directory, 'directory', parent, name));
    if (this.#levels.length >= DEPTH_MAX) throw unwritable(inode, `directory more than ${DEPTH_MAX - 1} deep`);
    this.#levels.push({ directory, inode, entries: inode.entries!, ahead });
    return inode;
  }

  /** Take the entries of a directory up to the next subdirectory, and enter that; false if there is none. */
  #continue({ directory, inode: parent, entries, ahead }: Level): boolean {
    for (let next = ahead.next(); next.done !== true; next = ahead.next()) {
      const [name, node] = next.value;
      entries.names.push(name);
      if (node.kind === 'directory') {
        entries.inodes.push(this.#enter(node, parent, name, node.entries()));
        parent.nlink++;
        return true;
      }
      entries.inodes.push(this.#leaf(node, directory, parent, name));
    }
    addDots(parent, entries);
    return false;
  }

  #leaf(leaf: Leaf, directory: Directory, parent: PlannedInode, name: ByteString): PlannedInode {
    const known = this.#linked.get(leaf);
    if (known === undefined) return this.#newLeaf(leaf, parent, name);
    if (isWhiteout(leaf)) throw unwritable(known, 'whiteout (character device with number 0) with more than one name');
    const origin = this.#profile === 'c' ? leaf.origin : undefined;
    if (origin === undefined) known.nlink++;
    else if (origin.directory === directory && origin.name === name) {
      known.parent = parent;
      known.name = name;
    }
    return known;
  }

  #newLeaf(leaf: Leaf, parent: PlannedInode, name: ByteString): PlannedInode {
    const whiteout = this.#version < 2 && isWhiteout(leaf) && !this.#stubs.has(leaf);
    if (whiteout) parent.hasWhiteouts = true;
    const inode = this.#add(new PlannedInode(leaf, whiteout ? 'file' : leaf.kind, parent, name));
    if (this.#profile === 'c' && leaf.origin !== undefined) inode.nlink = leaf.origin.nlink;
    if (this.#linked.has(leaf)) this.#linked.set(leaf, inode);
    this.#measure(inode, leaf);
    return inode;
  }

  #add(inode: PlannedInode): PlannedInode {
    checkStat(inode);
    this.#inodes.push(inode);
    return inode;
  }

  #measure(inode: PlannedInode, leaf: Leaf): void {
    switch (leaf.kind) {
      case 'file':
        inode.size = this.#fileSize(inode, leaf.content);
        return;
      case 'symlink':
        inode.size = this.#targetLength(inode, leaf.target);
        return;
      case 'character-device':
      case 'block-device':
        if (leaf.rdev >>> 0 !== leaf.rdev) throw unwritable(inode, `device number ${leaf.rdev} does not fit 32 bits`);
        return;
      default:
    }
  }

  #fileSize(inode: PlannedInode, content: FileContent): number {
    const size = content.kind === 'inline' ? content.bytes.length : content.size;
    const limit = content.kind === 'inline' ? maxInlineSize(this.#version) : MAX_FILE_SIZE;
    if (size >= 0 && size <= limit && Number.isInteger(size)) return size;
    throw unwritable(inode, `${content.kind} file of ${size} bytes, at most ${limit} are possible`);
  }

  #targetLength(inode: PlannedInode, target: ByteString): number {
    const limit = maxTargetLength(this.#version);
    if (target.length >= 1 && target.length <= limit && !target.includes('\0')) return target.length;
    throw unwritable(inode, `symbolic link target of ${target.length} bytes, wanted 1 to ${limit} without NUL`);
  }
}

/** Few leaves have several names: to remember all until the end would be a third of what is kept of an inode. */
function linkedLeaves(root: Directory): ReadonlySet<Leaf> {
  const met = new Set<Leaf>();
  const linked = new Set<Leaf>();
  let level = [root];
  for (let depth = 0; depth < DEPTH_MAX && level.length > 0; depth++) {
    const below: Directory[] = [];
    for (const directory of level) {
      for (const [, node] of directory.entries()) {
        if (node.kind === 'directory') below.push(node);
        else if (met.has(node)) linked.add(node);
        else met.add(node);
      }
    }
    level = below;
  }
  return linked;
}

/** `.` and `..` are sorted among the other names, so they are not always first. */
function addDots(directory: PlannedInode, entries: Entries): void {
  insertEntry(entries, '.', directory);
  insertEntry(entries, '..', directory.parent);
}

function insertEntry({ names, inodes }: Entries, name: ByteString, inode: PlannedInode): void {
  let index = 0;
  while (index < names.length && names[index]! < name) index++;
  names.splice(index, 0, name);
  inodes.splice(index, 0, inode);
}

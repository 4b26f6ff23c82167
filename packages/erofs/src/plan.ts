import { DEPTH_MAX, isWhiteout, type ByteString, type Directory, type FileContent, type Leaf, type Node } from '@cfskit/fs-tree';
import { MAX_FILE_SIZE } from './chunk.ts';
import type { FormatVersion, Profile } from './format.ts';
import { PlannedInode } from './planned-inode.ts';
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
  readonly node: Directory;
  readonly inode: PlannedInode;
  readonly entries: Iterator<readonly [ByteString, Node]>;
}

class Planner {
  readonly #version: FormatVersion;
  readonly #profile: Profile;
  readonly #inodes: PlannedInode[] = [];
  readonly #leaves = new Map<Leaf, PlannedInode>();
  readonly #levels: Level[] = [];
  /** Character devices with number 0 that stay what they are. */
  #stubs: ReadonlySet<Leaf> = new Set();

  constructor({ version, profile }: PlanOptions) {
    this.#version = version;
    this.#profile = profile;
  }

  plan(root: Directory): PlannedInode[] {
    const inode = this.#directory(root, undefined, '');
    this.#levels.push({ node: root, inode, entries: this.#rootEntries(root) });
    for (let level = this.#levels.at(-1); level !== undefined; level = this.#levels.at(-1)) {
      if (!this.#enterNext(level)) this.#levels.pop();
    }
    return this.#inodes;
  }

  #rootEntries(root: Directory): Iterator<readonly [ByteString, Node]> {
    if (this.#version === 2) return root.entries();
    const { entries, stubs } = stubsOf(root, this.#profile);
    this.#stubs = stubs;
    return entries.values();
  }

  /** Take the entries of a directory up to the next subdirectory, and enter that; false if there is none. */
  #enterNext({ node: directory, inode: parent, entries }: Level): boolean {
    for (let next = entries.next(); next.done !== true; next = entries.next()) {
      const [name, node] = next.value;
      if (node.kind !== 'directory') {
        parent.addEntry(name, this.#leaf(node, directory, parent, name));
        continue;
      }
      const inode = this.#directory(node, parent, name);
      parent.addEntry(name, inode);
      parent.nlink++;
      if (this.#levels.length >= DEPTH_MAX) throw unwritable(inode, `directory more than ${DEPTH_MAX - 1} deep`);
      this.#levels.push({ node, inode, entries: node.entries() });
      return true;
    }
    addDots(parent);
    return false;
  }

  #directory(node: Directory, parent: PlannedInode | undefined, name: ByteString): PlannedInode {
    return this.#add(new PlannedInode('directory', node.stat, parent, name));
  }

  #leaf(leaf: Leaf, directory: Directory, parent: PlannedInode, name: ByteString): PlannedInode {
    const known = this.#leaves.get(leaf);
    if (known === undefined) return this.#newLeaf(leaf, directory, parent, name);
    if (isWhiteout(leaf)) throw unwritable(known, 'whiteout (character device with number 0) with more than one name');
    known.names++;
    const origin = this.#profile === 'c' ? leaf.origin : undefined;
    if (origin === undefined) known.nlink++;
    else if (isOrigin(leaf, directory, name)) {
      known.parent = parent;
      known.name = name;
    }
    return known;
  }

  #newLeaf(leaf: Leaf, directory: Directory, parent: PlannedInode, name: ByteString): PlannedInode {
    const whiteout = this.#version < 2 && isWhiteout(leaf) && !this.#stubs.has(leaf);
    const inode = this.#add(new PlannedInode(whiteout ? 'file' : leaf.kind, leaf.stat, parent, name));
    if (this.#profile === 'c' && leaf.origin !== undefined) inode.nlink = leaf.origin.nlink;
    inode.whiteout = whiteout;
    if (whiteout) parent.hasWhiteouts = true;
    this.#leaves.set(leaf, inode);
    this.#fill(inode, leaf);
    return inode;
  }

  #add(inode: PlannedInode): PlannedInode {
    checkStat(inode);
    this.#inodes.push(inode);
    return inode;
  }

  #fill(inode: PlannedInode, leaf: Leaf): void {
    switch (leaf.kind) {
      case 'file':
        this.#fillFile(inode, leaf.content);
        return;
      case 'symlink':
        inode.target = leaf.target;
        inode.size = leaf.target.length;
        this.#checkTarget(inode);
        return;
      case 'character-device':
      case 'block-device':
        inode.rdev = leaf.rdev;
        if (leaf.rdev >>> 0 !== leaf.rdev) throw unwritable(inode, `device number ${leaf.rdev} does not fit 32 bits`);
        return;
      default:
    }
  }

  #fillFile(inode: PlannedInode, content: FileContent): void {
    inode.size = content.kind === 'inline' ? content.bytes.length : content.size;
    const limit = content.kind === 'inline' ? maxInlineSize(this.#version) : MAX_FILE_SIZE;
    if (!(inode.size >= 0 && inode.size <= limit && Number.isInteger(inode.size))) {
      throw unwritable(inode, `${content.kind} file of ${inode.size} bytes, at most ${limit} are possible`);
    }
    if (content.kind === 'inline') inode.bytes = content.bytes;
    // A file without bytes is stored as one, whatever else the tree says about it.
    else if (inode.size > 0) inode.external = content;
  }

  #checkTarget(inode: PlannedInode): void {
    const limit = maxTargetLength(this.#version);
    if (inode.size >= 1 && inode.size <= limit && !inode.target.includes('\0')) return;
    throw unwritable(inode, `symbolic link target of ${inode.size} bytes, wanted 1 to ${limit} without NUL`);
  }
}

/** `.` and `..` are sorted among the other names, so they are not always first. */
function addDots(directory: PlannedInode): void {
  insertEntry(directory, '.', directory);
  insertEntry(directory, '..', directory.parent);
}

function insertEntry({ entryNames, entryInodes }: PlannedInode, name: ByteString, inode: PlannedInode): void {
  let index = 0;
  while (index < entryNames.length && entryNames[index]! < name) index++;
  entryNames.splice(index, 0, name);
  entryInodes.splice(index, 0, inode);
}

function isOrigin(leaf: Leaf, directory: Directory, name: ByteString): boolean {
  return leaf.origin?.directory === directory && leaf.origin.name === name;
}

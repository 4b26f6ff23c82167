import { Directory, PERMISSIONS, splitPath, joinPath, type ByteString, type Leaf, type Node, type Stat } from '@cfskit/fs-tree';
import { ErofsError } from './errors.ts';
import type { Profile } from './format.ts';
import { contentOf, targetOf } from './image-content.ts';
import type { ErofsImage } from './image.ts';
import { readDirectory } from './read-directory.ts';
import { readInode } from './read-inode.ts';
import { TreeXattrReader } from './tree-xattrs.ts';
import { isNativeWhiteout, isWhiteout, rootOf, walkImage, type ImageNode, type ImageVisit, type Start, type WalkOptions } from './walk-image.ts';

/** How to read an image. */
export interface ReadOptions extends WalkOptions {
  /**
   * Whose reader to follow, default `rs`. With `c` attributes named `overlay.opaque` are kept, every character device with number 0 is left out,
   * and the link counts of the image become those that a writer with the same profile writes.
   */
  readonly profile?: Profile;
}

/**
 * The tree that an image holds: stubs are left out, overlay marks undone.
 *
 * Everything in the image that is reached is checked. Memory: a few times the image.
 *
 * @throws {ErofsError} with the offset of what is wrong
 */
export function readTree(image: ErofsImage, options: ReadOptions = {}): Directory {
  return buildTree(image, options, rootOf(image)) as Directory;
}

/**
 * What stands at a path in an image, with all that is below it. Nothing else is read but the directories on the way; links are not followed.
 *
 * @throws {ErofsError} NOT_FOUND, NOT_A_DIRECTORY, and as {@link readTree}
 */
export function readNode(image: ErofsImage, path: ByteString, options: ReadOptions = {}): Node {
  const node = buildTree(image, options, findStart(image, path));
  if (node === undefined) throw notFound(path);
  return node;
}

function findStart(image: ErofsImage, path: ByteString): Start {
  const names = splitPath(path);
  let at = rootOf(image);
  for (let count = 0; count < names.length; count++) {
    const name = names[count]!;
    const inode = readInode(image, at.nid);
    const here = joinPath(names.slice(0, count));
    if (inode.kind !== 'directory') throw new ErofsError('NOT_A_DIRECTORY', `wanted a directory, found a ${inode.kind}`, { path: here });
    const entry = readDirectory(image, inode, at.parentNid).find((candidate) => candidate.name === name);
    if (entry === undefined) throw notFound(joinPath(names.slice(0, count + 1)));
    at = { name, nid: entry.nid, parentNid: at.nid };
  }
  return at;
}

function notFound(path: ByteString): ErofsError {
  return new ErofsError('NOT_FOUND', 'no such file or directory', { path });
}

/** Nothing, if the start itself is no part of the tree. */
function buildTree(image: ErofsImage, options: ReadOptions, start: Start): Node | undefined {
  const builder = new TreeBuilder(image, options.profile ?? 'rs');
  for (const visit of walkImage(image, options, start)) builder.add(visit);
  return builder.finish();
}

class TreeBuilder {
  readonly #image: ErofsImage;
  readonly #profile: Profile;
  readonly #xattrs: TreeXattrReader;
  /** By number of the node in the image. */
  readonly #nodes: Node[] = [];
  #start: Node | undefined;

  constructor(image: ErofsImage, profile: Profile) {
    this.#image = image;
    this.#profile = profile;
    this.#xattrs = new TreeXattrReader(profile);
  }

  add(visit: ImageVisit): void {
    const { name, node, parent } = visit;
    const built = this.#build(node);
    if (isDropped(visit, this.#profile)) return;
    if (parent === undefined) this.#start = built;
    else this.#insert(this.#nodes[parent.index] as Directory, name, built, node);
  }

  finish(): Node | undefined {
    return this.#start;
  }

  #insert(directory: Directory, name: ByteString, built: Node, { inode }: ImageNode): void {
    directory.insert(name, built);
    if (this.#profile === 'c' && built.kind !== 'directory') built.origin ??= { directory, name, nlink: inode.nlink };
  }

  #build(node: ImageNode): Node {
    const known = this.#nodes[node.index];
    if (known !== undefined) return known;
    const stat = this.#stat(node);
    const built = node.inode.kind === 'directory' ? new Directory(stat) : this.#leaf(node, stat);
    this.#nodes.push(built);
    return built;
  }

  #stat({ inode, xattrs }: ImageNode): Stat {
    const { mode, uid, gid, mtime, offset } = inode;
    return { mode: mode & PERMISSIONS, uid, gid, mtime, xattrs: this.#xattrs.read(xattrs, offset) };
  }

  #leaf(node: ImageNode, stat: Stat): Leaf {
    const { inode } = node;
    if (isWhiteout(node)) return { kind: 'character-device', stat, rdev: 0 };
    switch (inode.kind) {
      case 'file':
        return { kind: 'file', stat, content: contentOf(this.#image, node) };
      case 'symlink':
        return { kind: 'symlink', stat, target: targetOf(this.#image, inode) };
      case 'character-device':
      case 'block-device':
        return { kind: inode.kind, stat, rdev: inode.u };
      default:
        return { kind: inode.kind as 'fifo' | 'socket', stat };
    }
  }
}

const STUB_NAME = /^[0-9a-fA-F]{2}$/;

/** Stubs are no part of the tree. composefs-rs goes by the name and takes every whiteout in the root for one, mkcomposefs by the device. */
export function isDropped({ name, node, inRoot }: ImageVisit, profile: Profile): boolean {
  return profile === 'c' ? isNativeWhiteout(node.inode) : inRoot && STUB_NAME.test(name) && isWhiteout(node);
}

import { Directory, PERMISSIONS, splitPath, joinPath, type ByteString, type Leaf, type Node, type Stat } from '@cfskit/fs-tree';
import { ErofsError } from './errors.ts';
import type { Profile } from './format.ts';
import { contentOf, targetOf } from './image-content.ts';
import type { ErofsImage } from './image.ts';
import { readDirectory } from './read-directory.ts';
import { readInode } from './read-inode.ts';
import { TreeXattrReader } from './tree-xattrs.ts';
import {
  isNativeWhiteout,
  isWhiteout,
  rootOf,
  walkImage,
  type Attributes,
  type ImageVisit,
  type Start,
  type WalkOptions,
} from './walk-image.ts';

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
    const node = visit.attributes === undefined ? this.#nodes[visit.index]! : this.#newNode(visit, visit.attributes);
    if (isDropped(visit, this.#profile)) return;
    if (visit.parent === undefined) this.#start = node;
    else this.#insert(this.#nodes[visit.parent] as Directory, node, visit);
  }

  finish(): Node | undefined {
    return this.#start;
  }

  #insert(directory: Directory, node: Node, { name, inode }: ImageVisit): void {
    directory.insert(name, node);
    if (this.#profile === 'c' && node.kind !== 'directory') node.origin ??= { directory, name, nlink: inode.nlink };
  }

  #newNode(visit: ImageVisit, { xattrs }: Attributes): Node {
    const { mode, uid, gid, mtime, kind } = visit.inode;
    const stat: Stat = { mode: mode & PERMISSIONS, uid, gid, mtime, xattrs: this.#xattrs.read(xattrs) };
    const node = kind === 'directory' ? new Directory(stat) : this.#newLeaf(visit, stat);
    this.#nodes.push(node);
    return node;
  }

  #newLeaf(visit: ImageVisit, stat: Stat): Leaf {
    const { inode, attributes } = visit;
    if (isWhiteout(visit)) return { kind: 'character-device', stat, rdev: 0 };
    switch (inode.kind) {
      case 'file':
        return { kind: 'file', stat, content: contentOf(this.#image, inode, attributes!.overlay) };
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
export function isDropped(visit: ImageVisit, profile: Profile): boolean {
  return profile === 'c' ? isNativeWhiteout(visit.inode) : visit.inRoot && STUB_NAME.test(visit.name) && isWhiteout(visit);
}

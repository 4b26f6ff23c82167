import { DEPTH_MAX, type ByteString } from '@cfskit/fs-tree';
import type { Algorithm } from '@cfskit/fs-verity';
import { checkBlockMap } from './block-map.ts';
import { ErofsError } from './errors.ts';
import { FILE_TYPE } from './file-type.ts';
import { BLOCK, type Profile } from './format.ts';
import type { ErofsImage } from './image.ts';
import { CHUNK_BASED } from './inode-layout.ts';
import { OverlayStateReader, type OverlayState } from './overlay-state.ts';
import { readDirectory, type DirectoryEntry } from './read-directory.ts';
import { dataOf, readInode, type Inode } from './read-inode.ts';
import { XattrReader, type InodeXattrs } from './read-xattrs.ts';

/** How to judge what is in an image. */
export interface WalkOptions {
  /**
   * Default `rs`. With `c` the link counts of files are not compared with the number of their names: mkcomposefs writes what a dumpfile says.
   */
  readonly profile?: Profile;
  /** Of the digests in the image; by default that of the first one. */
  readonly algorithm?: Algorithm | undefined;
}

/** An inode that has been reached, once for all of its names. */
export interface ImageNode {
  /** In the order in which they were reached, from 0. */
  readonly index: number;
  readonly inode: Inode;
  readonly xattrs: InodeXattrs;
  readonly overlay: OverlayState;
  /** Names found so far. */
  names: number;
}

/** A name in an image. */
export interface ImageVisit {
  readonly name: ByteString;
  readonly node: ImageNode;
  /** The directory that the name is in; the start has none. */
  readonly parent: ImageNode | undefined;
  /** Whether that is the root. */
  readonly inRoot: boolean;
  /** Of the directory, from the start: 0 for the start and what is in it. */
  readonly depth: number;
}

/**
 * Go through all names of an image depth first, in order, and check all that is met. Time and memory are proportional to the size of the image,
 * whatever is in it: a directory is entered once, and what inodes, blocks and shared attributes claim may not be more than there is.
 *
 * @param start where to start. If it is not the root, link counts of files are not checked, for they may have names elsewhere.
 * @throws {ErofsError} for whatever is wrong, as soon as it is met; link counts of files at the end
 */
export function walkImage(image: ErofsImage, options: WalkOptions = {}, start: Start = rootOf(image)): Generator<ImageVisit, void> {
  return new Walk(image, options, start).visits();
}

/** Where a walk starts: an inode, the name that led to it, and the directory that this is in. */
export interface Start {
  readonly nid: number;
  readonly name: ByteString;
  readonly parentNid: number;
}

/** The start of a walk through the whole image. */
export function rootOf({ rootNid }: ErofsImage): Start {
  return { nid: rootNid, name: '', parentNid: rootNid };
}

interface Level {
  readonly node: ImageNode;
  readonly entries: readonly DirectoryEntry[];
  next: number;
}

class Walk {
  readonly #image: ErofsImage;
  readonly #start: Start;
  readonly #checksLinks: boolean;
  readonly #xattrs: XattrReader;
  readonly #overlay: OverlayStateReader;
  readonly #nodes = new Map<number, ImageNode>();
  readonly #levels: Level[] = [];
  /** Bytes of all inodes with what belongs to them. */
  #claimed = 0;

  constructor(image: ErofsImage, { profile = 'rs', algorithm }: WalkOptions, start: Start) {
    this.#image = image;
    this.#start = start;
    this.#checksLinks = profile === 'rs' && start.nid === image.rootNid;
    this.#xattrs = new XattrReader(image);
    this.#overlay = new OverlayStateReader(algorithm);
  }

  *visits(): Generator<ImageVisit, void> {
    const { nid, name, parentNid } = this.#start;
    const node = this.#newNode(nid);
    if (nid === this.#image.rootNid && node.inode.kind !== 'directory') throw invalidRoot(node);
    const inRoot = parentNid === this.#image.rootNid && nid !== parentNid;
    yield { name, node, parent: undefined, inRoot, depth: 0 };
    if (node.inode.kind === 'directory') this.#enter(node, parentNid);
    for (let level = this.#levels.at(-1); level !== undefined; level = this.#levels.at(-1)) {
      const entry = level.entries[level.next++];
      if (entry === undefined) this.#levels.pop();
      else yield this.#visit(level, entry);
    }
    if (this.#checksLinks) for (const found of this.#nodes.values()) checkLinks(found);
  }

  #visit({ node: parent }: Level, entry: DirectoryEntry): ImageVisit {
    const depth = this.#levels.length - 1;
    const known = this.#nodes.get(entry.nid);
    const node = known ?? this.#newNode(entry.nid);
    if (node.inode.fileType !== entry.fileType) {
      throw new ErofsError('INVALID_DIRECTORY', `file type ${entry.fileType} of a ${node.inode.kind}`, { offset: entry.offset });
    }
    if (known !== undefined) this.#addName(known, entry);
    else if (node.inode.kind === 'directory') this.#enter(node, parent.inode.nid);
    return { name: entry.name, node, parent, inRoot: parent.inode.nid === this.#image.rootNid, depth };
  }

  #addName(node: ImageNode, { offset }: DirectoryEntry): void {
    node.names++;
    if (node.inode.kind === 'directory') throw new ErofsError('DIRECTORY_LOOP', 'directory with two names', { offset });
    if (isWhiteout(node)) throw new ErofsError('LINK_COUNT', 'whiteout with two names', { offset });
  }

  #enter(node: ImageNode, parentNid: number): void {
    const { inode } = node;
    if (this.#levels.length >= DEPTH_MAX) throw new ErofsError('TOO_DEEP', `directories nest ${DEPTH_MAX} deep`, { offset: inode.offset });
    this.#levels.push({ node, entries: readDirectory(this.#image, inode, parentNid), next: 0 });
  }

  #newNode(nid: number): ImageNode {
    const inode = readInode(this.#image, nid);
    this.#claim(inode);
    const xattrs = this.#xattrs.read(inode);
    const overlay = this.#overlay.read(xattrs, inode.offset);
    if (inode.layout === CHUNK_BASED) checkBlockMap(this.#image, inode, overlay.objectId !== undefined);
    else checkContent(inode, overlay);
    const node = { index: this.#nodes.size, inode, xattrs, overlay, names: 1 };
    this.#nodes.set(nid, node);
    return node;
  }

  /** No two inodes have bytes in common in an image that some writer made. */
  #claim(inode: Inode): void {
    const { blockCount, tailOffset, tailSize } = dataOf(inode);
    this.#claimed += tailOffset + tailSize - inode.offset + blockCount * BLOCK;
    if (this.#claimed > this.#image.size) throw new ErofsError('OVERLAP', 'inodes or data that overlap', { offset: inode.offset });
  }
}

/** Whether overlayfs takes an inode for the mark of a removed name, or will where the image is a layer of a tree that has been mounted. */
export function isWhiteout({ inode, overlay }: ImageNode): boolean {
  return isNativeWhiteout(inode) || (inode.kind === 'file' && overlay.whiteout);
}

/** Whether an inode is a character device with number 0. */
export function isNativeWhiteout({ kind, u }: Inode): boolean {
  return kind === 'character-device' && u === 0;
}

function checkContent({ kind, size, offset }: Inode, { metacopy, redirect }: OverlayState): void {
  if (kind === 'file' && size > 0 && (metacopy || redirect !== undefined)) {
    throw new ErofsError('INVALID_INODE', 'file with content here and elsewhere', { offset });
  }
}

function checkLinks({ inode, names }: ImageNode): void {
  if (inode.fileType === FILE_TYPE.directory || inode.nlink === names) return;
  throw new ErofsError('LINK_COUNT', `${inode.kind} with ${names} names and link count ${inode.nlink}`, { offset: inode.offset });
}

function invalidRoot({ inode }: ImageNode): ErofsError {
  return new ErofsError('INVALID_INODE', `the root is a ${inode.kind}`, { offset: inode.offset });
}

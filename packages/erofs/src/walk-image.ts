import { DEPTH_MAX, type ByteString } from '@cfskit/fs-tree';
import type { Algorithm } from '@cfskit/fs-verity';
import { checkBlockMap } from './block-map.ts';
import { ErofsError } from './errors.ts';
import { BLOCK, SLOT, type Profile } from './format.ts';
import { targetOf } from './image-content.ts';
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
  /** Names in all directories. Default 10,000,000. */
  readonly maxEntries?: number;
}

/** A name in an image. */
export interface ImageVisit {
  readonly name: ByteString;
  readonly inode: Inode;
  /** Inodes are numbered in the order in which they are met, from 0; further names of one have its number. */
  readonly index: number;
  /** Only with the first name of an inode. */
  readonly attributes: Attributes | undefined;
  /** Number of the directory that the name is in; the start has none. */
  readonly parent: number | undefined;
  /** Whether that is the root. */
  readonly inRoot: boolean;
  /** Of the directory, from the start: 0 for the start and what is in it. */
  readonly depth: number;
}

/** Extended attributes, and what they mean to overlayfs. */
export interface Attributes {
  readonly xattrs: InodeXattrs;
  readonly overlay: OverlayState;
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

/** Whether overlayfs takes an inode for the mark of a removed name, or will where the image is a layer of a tree that has been mounted. */
export function isWhiteout({ inode, attributes }: ImageVisit): boolean {
  return isNativeWhiteout(inode) || (inode.kind === 'file' && attributes?.overlay.whiteout === true);
}

/** Whether an inode is a character device with number 0. */
export function isNativeWhiteout({ kind, u }: Inode): boolean {
  return kind === 'character-device' && u === 0;
}

const MAX_ENTRIES = 10_000_000;

interface Level {
  readonly inode: Inode;
  readonly index: number;
  readonly entries: readonly DirectoryEntry[];
  next: number;
}

interface Links {
  readonly inode: Inode;
  names: number;
}

class Walk {
  readonly #image: ErofsImage;
  readonly #start: Start;
  readonly #maxEntries: number;
  readonly #checksLinks: boolean;
  readonly #xattrs: XattrReader;
  readonly #overlay: OverlayStateReader;
  readonly #levels: Level[] = [];
  /** By nid: the number of the inode and 1, 0 for those not met. Nothing else is kept of most inodes. */
  readonly #indexes: Uint32Array;
  /** Of leaves that should have other than one name. */
  readonly #links = new Map<number, Links>();
  readonly #whiteouts = new Set<number>();
  #inodes = 0;
  #entries = 0;
  /** Bytes of all inodes with what belongs to them. */
  #claimed = 0;

  constructor(image: ErofsImage, { profile = 'rs', algorithm, maxEntries = MAX_ENTRIES }: WalkOptions, start: Start) {
    this.#image = image;
    this.#start = start;
    this.#maxEntries = maxEntries;
    this.#checksLinks = profile === 'rs' && start.nid === image.rootNid;
    this.#xattrs = new XattrReader(image);
    this.#overlay = new OverlayStateReader(algorithm);
    this.#indexes = new Uint32Array(Math.floor(image.size / SLOT));
  }

  *visits(): Generator<ImageVisit, void> {
    const { nid, name, parentNid } = this.#start;
    const { rootNid } = this.#image;
    const inode = readInode(this.#image, nid);
    if (nid === rootNid && inode.kind !== 'directory') {
      throw new ErofsError('INVALID_INODE', `the root is a ${inode.kind}`, { offset: inode.offset });
    }
    const inRoot = parentNid === rootNid && nid !== rootNid;
    yield { name, inode, index: 0, attributes: this.#meet(inode), parent: undefined, inRoot, depth: 0 };
    if (inode.kind === 'directory') this.#enter(inode, 0, parentNid);
    for (let level = this.#levels.at(-1); level !== undefined; level = this.#levels.at(-1)) {
      const entry = level.entries[level.next++];
      if (entry === undefined) this.#levels.pop();
      else yield this.#visit(level, entry);
    }
    for (const { inode: linked, names } of this.#links.values()) if (linked.nlink !== names) throw linkCount(linked, names);
  }

  #visit({ inode: directory, index: parent }: Level, { name, nid, fileType, offset }: DirectoryEntry): ImageVisit {
    const depth = this.#levels.length - 1;
    const inRoot = directory.nid === this.#image.rootNid;
    const inode = readInode(this.#image, nid);
    if (inode.fileType !== fileType) throw new ErofsError('INVALID_DIRECTORY', `file type ${fileType} of a ${inode.kind}`, { offset });
    const known = this.#indexes[nid]!;
    if (known !== 0) {
      this.#addName(inode, offset);
      return { name, inode, index: known - 1, attributes: undefined, parent, inRoot, depth };
    }
    const index = this.#inodes;
    const attributes = this.#meet(inode);
    if (inode.kind === 'directory') this.#enter(inode, index, directory.nid);
    return { name, inode, index, attributes, parent, inRoot, depth };
  }

  /** See an inode for the first time. */
  #meet(inode: Inode): Attributes {
    this.#indexes[inode.nid] = ++this.#inodes;
    this.#claim(inode);
    const xattrs = this.#xattrs.read(inode);
    const overlay = this.#overlay.read(xattrs, inode.offset);
    if (inode.layout === CHUNK_BASED) checkBlockMap(this.#image, inode, overlay.objectId !== undefined);
    else this.#checkContent(inode, overlay);
    if (isNativeWhiteout(inode) || overlay.whiteout) this.#whiteouts.add(inode.nid);
    if (this.#checksLinks && inode.nlink !== 1 && inode.kind !== 'directory') this.#links.set(inode.nid, { inode, names: 1 });
    return { xattrs, overlay };
  }

  #checkContent(inode: Inode, { metacopy, payload }: OverlayState): void {
    const { kind, size, offset } = inode;
    if (kind === 'file' && size > 0 && (metacopy || payload !== undefined)) {
      throw new ErofsError('INVALID_INODE', 'file with content here and elsewhere', { offset });
    }
    if (kind === 'symlink' && targetOf(this.#image, inode).includes('\0')) {
      throw new ErofsError('INVALID_INODE', 'symbolic link with a NUL in its target', { offset });
    }
  }

  #addName(inode: Inode, offset: number): void {
    if (inode.kind === 'directory') throw new ErofsError('DIRECTORY_LOOP', 'directory with two names', { offset });
    if (this.#whiteouts.has(inode.nid)) throw new ErofsError('LINK_COUNT', 'whiteout with two names', { offset });
    if (!this.#checksLinks) return;
    const links = this.#links.get(inode.nid);
    if (links === undefined) throw linkCount(inode, 2);
    links.names++;
  }

  #enter(inode: Inode, index: number, parentNid: number): void {
    if (this.#levels.length >= DEPTH_MAX) throw new ErofsError('TOO_DEEP', `directories nest ${DEPTH_MAX} deep`, { offset: inode.offset });
    const entries = readDirectory(this.#image, inode, parentNid);
    this.#entries += entries.length;
    if (this.#entries > this.#maxEntries)
      throw new ErofsError('TOO_LARGE', `more than ${this.#maxEntries} names`, { offset: inode.offset });
    this.#levels.push({ inode, index, entries, next: 0 });
  }

  /** No two inodes have bytes in common in an image that some writer made. */
  #claim(inode: Inode): void {
    const { blockCount, tailOffset, tailSize } = dataOf(inode);
    this.#claimed += tailOffset + tailSize - inode.offset + blockCount * BLOCK;
    if (this.#claimed > this.#image.size) throw new ErofsError('OVERLAP', 'inodes or data that overlap', { offset: inode.offset });
  }
}

function linkCount({ kind, nlink, offset }: Inode, names: number): ErofsError {
  return new ErofsError('LINK_COUNT', `${kind} with ${names} names and link count ${nlink}`, { offset });
}

import { PERMISSIONS, TYPE_BITS, type ByteString, type FileContent, type Stat } from '@cfskit/fs-tree';
import { FILE_TYPE, type Kind } from './file-type.ts';
import { FLAT_PLAIN } from './inode-layout.ts';
import type { XattrPair } from './xattr-pair.ts';

const NO_BYTES = new Uint8Array(0);
const NO_NAMES: ByteString[] = [];
const NO_INODES: PlannedInode[] = [];
const NO_PAIRS: readonly XattrPair[] = [];

/** Content of a regular file that is elsewhere, or nowhere. */
export type External = Exclude<FileContent, { readonly kind: 'inline' }>;

/**
 * An inode on its way into an image. One object per inode, filled in step by step: what it is (plan), its attributes (prepare), where it is
 * (place).
 */
export class PlannedInode {
  // What it is.
  readonly kind: Kind;
  readonly stat: Stat;
  /** Directory and name where the inode is written. The root is its own parent. */
  parent: PlannedInode;
  name: ByteString;
  nlink = 1;
  /** Entries with this inode. */
  names = 1;
  /** i_size, but for directories. */
  size = 0;
  rdev = 0;
  target: ByteString = '';
  bytes: Uint8Array = NO_BYTES;
  external: External | undefined = undefined;
  /** It stands for a character device with number 0 of the tree. */
  whiteout = false;
  /** Directories: entries in order, with `.` and `..`. */
  entryNames: ByteString[] = NO_NAMES;
  entryInodes: PlannedInode[] = NO_INODES;
  /** Directories: there are whiteouts in it. */
  hasWhiteouts = false;

  // Its attributes, in the order of the image.
  xattrs: readonly XattrPair[] = NO_PAIRS;
  sharedCount = 0;
  xattrSize = 0;

  // Where it is.
  ino = 0;
  extended = true;
  layout: number = FLAT_PLAIN;
  position = 0;
  /** Bytes right behind inode and attributes. */
  tailSize = 0;
  /** Blocks of the data area, and the first of them. */
  blockCount = 0;
  firstBlock = 0;
  chunkFormat = 0;

  constructor(kind: Kind, stat: Stat, parent: PlannedInode | undefined, name: ByteString) {
    this.kind = kind;
    this.stat = stat;
    this.parent = parent ?? this;
    this.name = name;
    if (kind === 'directory') {
      this.nlink = 2;
      this.entryNames = [];
      this.entryInodes = [];
    }
  }

  get mode(): number {
    return TYPE_BITS[this.kind] | (this.stat.mode & PERMISSIONS);
  }

  /** Of the directory entries that name it. */
  get fileType(): number {
    return FILE_TYPE[this.kind];
  }

  /** Absolute, for messages. */
  get path(): ByteString {
    return pathOf(this);
  }

  addEntry(name: ByteString, inode: PlannedInode): void {
    this.entryNames.push(name);
    this.entryInodes.push(inode);
  }
}

function pathOf(inode: PlannedInode): ByteString {
  const names: ByteString[] = [];
  for (let at = inode; at.parent !== at; at = at.parent) names.push(at.name);
  return `/${names.toReversed().join('/')}`;
}

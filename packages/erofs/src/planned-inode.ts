import { PERMISSIONS, TYPE_BITS, type ByteString, type FileContent, type Node, type Stat } from '@cfskit/fs-tree';
import { FILE_TYPE, type Kind } from './file-type.ts';
import type { ExternalPairs } from './xattr-pair.ts';
import { EMPTY_SET, type XattrSet } from './xattr-set.ts';

/** Content of a regular file that is elsewhere, or nowhere. */
export type External = Exclude<FileContent, { readonly kind: 'inline' }>;

/** Names and inodes of a directory, in order, `.` and `..` among them. */
export interface Entries {
  readonly names: ByteString[];
  readonly inodes: PlannedInode[];
}

/**
 * An inode on its way into an image: what it is (plan), its attributes (prepare, share), where it is (place). There is one object for each,
 * and what can be found out from the node has no field: the time that large trees take goes with the memory.
 */
export class PlannedInode {
  readonly node: Node;
  /** As written: a whiteout of the tree becomes a regular file. */
  readonly kind: Kind;
  /** Directory and name where the inode is written. The root is its own parent. */
  parent: PlannedInode;
  name: ByteString;
  nlink: number;
  /** i_size. */
  size = 0;
  /** Of directories. */
  readonly entries: Entries | undefined;
  /** A directory with whiteouts in it. */
  hasWhiteouts = false;

  xattrs: XattrSet = EMPTY_SET;
  /** The attributes of external files; not those of an object that no other inode refers to, which follow from its id. */
  pairs: ExternalPairs | undefined = undefined;
  /** Bytes of all attributes. */
  xattrSize = 0;

  extended = true;
  position = 0;
  /** Bytes right behind inode and attributes. */
  tailSize = 0;
  /** Blocks of the data area. */
  blockCount = 0;

  constructor(node: Node, kind: Kind, parent: PlannedInode | undefined, name: ByteString) {
    this.node = node;
    this.kind = kind;
    this.parent = parent ?? this;
    this.name = name;
    this.nlink = kind === 'directory' ? 2 : 1;
    this.entries = kind === 'directory' ? { names: [], inodes: [] } : undefined;
  }

  get stat(): Stat {
    return this.node.stat;
  }

  get mode(): number {
    return TYPE_BITS[this.kind] | (this.node.stat.mode & PERMISSIONS);
  }

  /** Of the directory entries that name it. */
  get fileType(): number {
    return FILE_TYPE[this.kind];
  }

  /** It stands for a character device with number 0 of the tree. */
  get isWhiteout(): boolean {
    return this.kind !== this.node.kind;
  }

  /** Its content, if that is not in the image. A file without bytes has none, whatever else the tree says about it. */
  get external(): External | undefined {
    const { node } = this;
    if (node.kind !== 'file' || this.size === 0) return undefined;
    return node.content.kind === 'inline' ? undefined : node.content;
  }

  /** Its content, if that is in the image. */
  get inlineBytes(): Uint8Array | undefined {
    const { node } = this;
    return node.kind === 'file' && node.content.kind === 'inline' ? node.content.bytes : undefined;
  }

  /** Absolute, for messages. */
  get path(): ByteString {
    return pathOf(this);
  }
}

function pathOf(inode: PlannedInode): ByteString {
  const names: ByteString[] = [];
  for (let at = inode; at.parent !== at; at = at.parent) names.push(at.name);
  return `/${names.toReversed().join('/')}`;
}

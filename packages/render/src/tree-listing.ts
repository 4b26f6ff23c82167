import type { ByteString, Node, Time, Xattrs } from '@cfskit/fs-tree';

/** Everything that an entry of a tree has besides its content. */
export interface ListedMetadata {
  /** Permission bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtime: Time;
  /** Absent where nothing can be said about them. */
  readonly xattrs?: Xattrs;
}

/** One entry of a tree that is compared. */
export interface ListedEntry {
  readonly kind: Node['kind'];
  /** Absent for a directory that the tree only implies. */
  readonly metadata?: ListedMetadata;
  /** Bytes of a file. */
  readonly size: number;
  /** Of a symbolic link. */
  readonly target: ByteString;
  /** Of a device. */
  readonly rdev: number;
  /** The same for all names of one file. */
  readonly inode: unknown;
  /** SHA-256 of a file's content, as hex digits. */
  readonly digest: () => Promise<string>;
  /** Why nothing is known of what is in a directory. */
  readonly unreadable?: string;
}

/** A tree by relative paths; the root has the empty one. */
export interface TreeListing {
  readonly entries: ReadonlyMap<ByteString, ListedEntry>;
  close(): Promise<void>;
}

/** The digest of things without content. */
export function noDigest(): Promise<string> {
  return Promise.resolve('');
}

import { fromLatin1, toLatin1 } from '@cfskit/binary';
import { DEPTH_MAX, Directory, kindOf, PERMISSIONS, type ByteString, type Leaf, type Stat } from '@cfskit/fs-tree';
import { closeDescriptor, entryPath, readlinkAt, statAt, statDescriptor, type FileStatus } from '@cfskit/linux';
import { constants, readdirSync } from 'node:fs';
import { changed, FsScanError, GONE_LINK, reading } from './errors.ts';
import { isSameMoment } from './file-reader.ts';
import { openBelow } from './open-below.ts';
import { readXattrs, XattrSets, type XattrList } from './read-xattrs.ts';

/** A name of something that is no directory, as the walk found it. */
export interface FoundEntry {
  readonly directory: Directory;
  readonly name: ByteString;
  /** Relative to the scanned directory. */
  readonly path: ByteString;
  readonly status: FileStatus;
}

/** What the walk hands over: regular files unread, everything else as a leaf, made when it is asked for. */
export type Found =
  | (FoundEntry & { readonly kind: 'file' })
  | (FoundEntry & { readonly kind: Exclude<Leaf['kind'], 'file'>; readonly leaf: () => Leaf });

/** A directory that is in the tree and has not been read. */
interface UnreadDirectory {
  readonly directory: Directory;
  readonly path: ByteString;
  readonly depth: number;
  readonly dev: number;
  readonly ino: bigint;
}

/** Options of {@link DirectoryWalk}. */
export interface WalkOptions {
  /** Descriptor of the scanned directory. */
  readonly root: number;
  readonly xattrs: boolean;
}

/**
 * Goes through a directory and all below it, other file systems included, and builds the tree of directories. It follows no symbolic link: all
 * opening is beneath the descriptor it starts from. Directories wait on a list, so depth costs neither stack nor descriptors.
 */
export class DirectoryWalk {
  readonly root: Directory;
  readonly #sets = new XattrSets();
  readonly #options: WalkOptions;
  readonly #unread: UnreadDirectory[];
  #directories = 0;

  /** @throws {FsScanError} UNREADABLE */
  constructor(options: WalkOptions) {
    this.#options = options;
    const status = reading('/', () => statDescriptor(options.root));
    this.root = new Directory(this.statOf(status, []));
    this.#unread = [{ directory: this.root, path: '', depth: 0, dev: status.dev, ino: status.ino }];
  }

  /** Directories read so far. */
  get directories(): number {
    return this.#directories;
  }

  /** Metadata for the tree. */
  statOf({ mode, uid, gid, mtime }: Pick<FileStatus, 'mode' | 'uid' | 'gid' | 'mtime'>, xattrs: XattrList): Stat {
    return { mode: mode & PERMISSIONS, uid, gid, mtime, xattrs: this.#sets.of(xattrs) };
  }

  /**
   * Everything that is no directory.
   *
   * @throws {FsScanError} CHANGED, UNREADABLE, UNSUPPORTED, TOO_DEEP
   */
  *entries(): Generator<Found, void> {
    for (let next; (next = this.#unread.pop()) !== undefined;) {
      yield* this.#read(next);
      this.#directories += 1;
    }
  }

  *#read(unread: UnreadDirectory): Generator<Found, void> {
    const path = `/${unread.path}`;
    const fd = this.#open(unread, path);
    try {
      const before = this.#identify(fd, unread, path);
      unread.directory.stat = this.statOf(before, this.#options.xattrs ? readXattrs(fd, path) : []);
      // Node has no way to read a directory by its descriptor; this path leads to exactly it.
      const names = reading(path, () => readdirSync(`/proc/self/fd/${fd}`, { encoding: 'latin1' }));
      for (const name of names) {
        const found = this.#find(fd, unread, name);
        if (found !== undefined) yield found;
      }
      if (
        !isSameMoment(
          before,
          reading(path, () => statDescriptor(fd)),
        )
      )
        throw changed(path, 'directory changed while it was read');
    } finally {
      if (fd !== this.#options.root) closeDescriptor(fd);
    }
  }

  #open({ path, depth }: UnreadDirectory, fullPath: ByteString): number {
    if (path === '') return this.#options.root;
    if (depth >= DEPTH_MAX) {
      throw new FsScanError('TOO_DEEP', fullPath, `directories nest ${depth} deep, less than ${DEPTH_MAX} are possible`);
    }
    return reading(fullPath, () => openBelow(this.#options.root, path, constants.O_RDONLY | constants.O_DIRECTORY));
  }

  #identify(fd: number, unread: UnreadDirectory, path: ByteString): FileStatus {
    const status = reading(path, () => statDescriptor(fd));
    if (status.dev !== unread.dev || status.ino !== unread.ino) throw changed(path, 'directory replaced while it was scanned');
    return status;
  }

  #find(fd: number, parent: UnreadDirectory, name: ByteString): Found | undefined {
    const path = parent.path === '' ? name : `${parent.path}/${name}`;
    const nativeName = fromLatin1(name);
    const status = reading(`/${path}`, () => statAt(fd, nativeName));
    const kind = kindOf(status.mode);
    const entry = { directory: parent.directory, name, path, status };
    if (kind === undefined) throw new FsScanError('UNSUPPORTED', `/${path}`, `file of an unknown type, mode ${status.mode.toString(8)}`);
    if (kind === 'file') return { ...entry, kind };
    if (kind !== 'directory') return { ...entry, kind, leaf: () => this.#leaf(fd, nativeName, kind, path, status) };
    const directory = new Directory(this.statOf(status, []));
    parent.directory.insert(name, directory);
    this.#unread.push({ directory, path, depth: parent.depth + 1, dev: status.dev, ino: status.ino });
    return undefined;
  }

  #leaf(fd: number, name: Uint8Array, kind: Exclude<Leaf['kind'], 'file'>, path: ByteString, status: FileStatus): Leaf {
    const place = `/${path}`;
    const stat = this.statOf(status, this.#options.xattrs ? readXattrs(entryPath(fd, name), place) : []);
    switch (kind) {
      case 'symlink':
        return { kind, stat, target: toLatin1(reading(place, () => readlinkAt(fd, name), GONE_LINK)) };
      case 'character-device':
      case 'block-device':
        return { kind, stat, rdev: status.rdev };
      default:
        return { kind, stat };
    }
  }
}

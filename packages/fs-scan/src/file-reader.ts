import { kindOf, PERMISSIONS, type ByteString, type FileContent, type Time } from '@cfskit/fs-tree';
import { FsVerityHasher, type Algorithm } from '@cfskit/fs-verity';
import { closeDescriptor, nativeBlockHash, statDescriptor, type FileStatus } from '@cfskit/linux';
import { constants, readSync } from 'node:fs';
import type { ContentStore, StoredContent } from './content-store.ts';
import { changed, FsScanError, reading } from './errors.ts';
import { openBelow } from './open-below.ts';
import { readXattrs, type XattrList } from './read-xattrs.ts';

/** A regular file to be read: where it is, and which file was seen there. */
export interface FileRequest {
  /** Relative to the scanned directory. */
  readonly path: ByteString;
  readonly dev: number;
  readonly ino: bigint;
}

/** What is in a regular file. All of it belongs to one moment: a file that changed meanwhile is an error. */
export interface FileRecord {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtime: Time;
  readonly xattrs: XattrList;
  readonly content: FileContent;
  /** Whether a store has written the content. */
  readonly stored: boolean;
}

/** How files are read. Plain data, for threads. */
export interface ReadOptions {
  /** Descriptor of the scanned directory. Threads share it. */
  readonly root: number;
  readonly algorithm: Algorithm;
  /** Contents of up to so many bytes are kept as they are. */
  readonly inlineMax: number;
  readonly xattrs: boolean;
}

/** Reads regular files, one after the other, each once. Memory is one buffer, whatever the size of a file. */
export class FileReader {
  readonly #options: ReadOptions;
  readonly #store: ContentStore | undefined;
  readonly #isStopped: () => boolean;
  readonly #hasher: FsVerityHasher;
  readonly #buffer = new Uint8Array(BUFFER_SIZE);

  /** @param isStopped asked between the pieces of a file: whether nobody waits for it any more */
  constructor(options: ReadOptions, store: ContentStore | undefined, isStopped: () => boolean) {
    this.#options = options;
    this.#store = store;
    this.#isStopped = isStopped;
    this.#hasher = new FsVerityHasher(options.algorithm, { blockHash: nativeBlockHash(options.algorithm) });
  }

  /** @throws {FsScanError} CHANGED, UNREADABLE, STORE_FAILED */
  read(request: FileRequest): FileRecord {
    const path = `/${request.path}`;
    // Something else may stand there by now, and opening a FIFO would wait.
    const fd = reading(path, () =>
      openBelow(this.#options.root, request.path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY),
    );
    try {
      return this.#readOpened(fd, path, request);
    } finally {
      closeDescriptor(fd);
    }
  }

  #readOpened(fd: number, path: ByteString, request: FileRequest): FileRecord {
    const before = reading(path, () => statDescriptor(fd));
    if (kindOf(before.mode) !== 'file' || before.dev !== request.dev || before.ino !== request.ino) {
      throw changed(path, 'replaced by another file while it was scanned');
    }
    const { content, stored } = this.#content(fd, path, before.size);
    const xattrs = this.#options.xattrs ? readXattrs(fd, path) : [];
    const after = reading(path, () => statDescriptor(fd));
    if (!isSameMoment(before, after)) throw changed(path, 'changed while it was read');
    const { mode, uid, gid, mtime } = before;
    return { mode: mode & PERMISSIONS, uid, gid, mtime, xattrs, content, stored };
  }

  #content(fd: number, path: ByteString, size: number): Pick<FileRecord, 'content' | 'stored'> {
    if (size <= this.#options.inlineMax) {
      const bytes = new Uint8Array(size);
      this.#fill(fd, path, bytes);
      this.#expectEnd(fd, path);
      return { content: { kind: 'inline', bytes }, stored: false };
    }
    const { id, stored } = this.#store === undefined ? this.#hash(fd, path, size) : this.#keep(this.#store, fd, path, size);
    return { content: { kind: 'external', objectId: id, size }, stored };
  }

  #hash(fd: number, path: ByteString, size: number): StoredContent {
    this.#hasher.reset();
    for (const piece of this.#pieces(fd, path, size)) this.#hasher.update(piece);
    return { id: this.#hasher.objectId(), stored: false };
  }

  #keep(store: ContentStore, fd: number, path: ByteString, size: number): StoredContent {
    if (size <= BUFFER_SIZE) {
      const [bytes] = [...this.#pieces(fd, path, size)];
      return storing(path, () => store.putSync(bytes!));
    }
    const writer = storing(path, () => store.createWriterSync(size));
    let kept: StoredContent | undefined;
    try {
      for (const piece of this.#pieces(fd, path, size)) storing(path, () => writer.write(piece));
      kept = storing(path, () => writer.finish());
      return kept;
    } finally {
      if (kept === undefined) writer.abort();
    }
  }

  /** Exactly `size` bytes, in views of one buffer. */
  *#pieces(fd: number, path: ByteString, size: number): Generator<Uint8Array, void> {
    for (let at = 0; at < size; at += BUFFER_SIZE) {
      if (this.#isStopped()) throw new Stopped();
      const piece = this.#buffer.subarray(0, Math.min(BUFFER_SIZE, size - at));
      this.#fill(fd, path, piece);
      yield piece;
    }
    this.#expectEnd(fd, path);
  }

  #fill(fd: number, path: ByteString, bytes: Uint8Array): void {
    for (let filled = 0; filled < bytes.byteLength;) {
      const size = reading(path, () => readSync(fd, bytes, filled, bytes.byteLength - filled, null));
      if (size === 0) throw changed(path, 'became shorter while it was read');
      filled += size;
    }
  }

  #expectEnd(fd: number, path: ByteString): void {
    if (reading(path, () => readSync(fd, ONE_BYTE, 0, 1, null)) > 0) throw changed(path, 'became longer while it was read');
  }
}

/** The scan was called off in the middle of a file. */
export class Stopped extends Error {
  static {
    this.prototype.name = 'Stopped';
  }
}

/** Whether nothing of a file changed between the two: the time of its last change is set by everything, and cannot be set back. */
export function isSameMoment(before: FileStatus, after: FileStatus): boolean {
  return (
    before.size === after.size &&
    before.ctime.seconds === after.ctime.seconds &&
    before.ctime.nanoseconds === after.ctime.nanoseconds &&
    before.mtime.seconds === after.mtime.seconds &&
    before.mtime.nanoseconds === after.mtime.nanoseconds
  );
}

function storing<T>(path: ByteString, store: () => T): T {
  try {
    return store();
  } catch (cause) {
    throw new FsScanError(
      'STORE_FAILED',
      path,
      `its content could not be stored (${cause instanceof Error ? cause.message : String(cause)})`,
      {
        cause,
      },
    );
  }
}

/** A read of this size costs no more than one of 256 KiB, and what fits is stored in one call. */
const BUFFER_SIZE = 1 << 20;
const ONE_BYTE = new Uint8Array(1);

import { constants, openSync } from 'node:fs';
import { lstat, mkdir, readdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fromLatin1 } from '@cfskit/binary';
import { escapeBytes, type ByteString } from '@cfskit/fs-tree';
import { closeDescriptor, unlinkAt } from '@cfskit/linux';
import { hasCode, RenderError } from './errors.ts';
import { openBelow } from './open-below.ts';

/** Directories that are kept open. */
const CACHE_SIZE = 64;
const DIRECTORY = constants.O_RDONLY | constants.O_DIRECTORY;

/** A path in two parts: of the directory, and of the entry in it. */
export interface Place {
  readonly directory: number;
  readonly name: Uint8Array;
}

/**
 * An open directory, and everything below it: no path leads out of it, and no symbolic link is followed, whatever it holds already.
 */
export class DirectoryTarget {
  readonly #root: number;
  /** In the order of their last use. */
  readonly #open: Map<ByteString, number> = new Map();

  constructor(root: number) {
    this.#root = root;
  }

  /** A descriptor of a directory below. It is closed when dozens of others have been used since. */
  directory(path: ByteString): number {
    if (path === '') return this.#root;
    const known = this.#open.get(path);
    const fd = known ?? openBelow(this.#root, path, DIRECTORY);
    this.#open.delete(path);
    this.#open.set(path, fd);
    if (this.#open.size > CACHE_SIZE) this.#closeOldest();
    return fd;
  }

  /** Where an entry is made. */
  place(path: ByteString): Place {
    const slash = path.lastIndexOf('/');
    return { directory: this.directory(slash === -1 ? '' : path.slice(0, slash)), name: fromLatin1(path.slice(slash + 1)) };
  }

  /**
   * Remove what is in the way of an entry; a directory only if it is empty.
   *
   * @throws {RenderError} TARGET_BLOCKED
   */
  clear(path: ByteString, { directory, name }: Place): void {
    try {
      unlinkAt(directory, name);
    } catch (error) {
      if (!hasCode(error, 'EISDIR', 'EPERM')) throw error;
      this.#clearDirectory(path, { directory, name });
    }
  }

  close(): void {
    while (this.#open.size > 0) this.#closeOldest();
    closeDescriptor(this.#root);
  }

  #clearDirectory(path: ByteString, { directory, name }: Place): void {
    try {
      unlinkAt(directory, name, { directory: true });
    } catch (cause) {
      if (!hasCode(cause, 'ENOTEMPTY', 'EEXIST', 'ENOTDIR')) throw cause;
      throw new RenderError('TARGET_BLOCKED', `a directory that is not empty is in the way: ${escapeBytes(path)}`, { path, cause });
    }
  }

  #closeOldest(): void {
    const [[path, fd]] = this.#open as Iterable<[ByteString, number]> as [[ByteString, number]];
    this.#open.delete(path);
    closeDescriptor(fd);
  }
}

/**
 * Check that an image can be unpacked into a directory. Nothing is changed.
 *
 * @returns whether it is there
 * @throws {RenderError} TARGET_NOT_EMPTY unless `merge`, TARGET_BLOCKED if it is no directory
 */
export async function checkTarget(path: string, merge: boolean): Promise<boolean> {
  try {
    const names = await readdir(path);
    if (names.length === 0 || merge) return true;
  } catch (cause) {
    if (hasCode(cause, 'ENOENT')) return await isDangling(path);
    if (!hasCode(cause, 'ENOTDIR')) throw cause;
    throw new RenderError('TARGET_BLOCKED', `${path} is no directory`, { path, cause });
  }
  throw new RenderError('TARGET_NOT_EMPTY', `the directory ${path} is not empty`, { path });
}

/** Make the directory if need be, and open it. Nobody else looks into it before it is complete; those on the way to it are as any others. */
export async function openTarget(path: string): Promise<DirectoryTarget> {
  await mkdir(dirname(path), { recursive: true });
  await mkdir(path, { recursive: true, mode: 0o700 });
  return new DirectoryTarget(openSync(path, DIRECTORY));
}

async function isDangling(path: string): Promise<false> {
  const link = await lstat(path).catch(() => undefined);
  if (link === undefined) return false;
  throw new RenderError('TARGET_BLOCKED', `${path} is a symbolic link that leads nowhere`, { path });
}

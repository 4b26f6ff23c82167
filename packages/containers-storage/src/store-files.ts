import { closeDescriptor, O_PATH, openBeneath, readFully } from '@cfskit/linux';
import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { ContainersStorageError, hasCode } from './errors.ts';

const { O_DIRECTORY, O_NONBLOCK, O_RDONLY } = constants;

/** A file open for reading. */
export interface OpenFile {
  readonly fd: number;
  readonly size: number;
  close(): void;
}

/** An open directory. Below it no symbolic link is followed, and nothing outside of it is opened. */
export class Directory {
  readonly path: string;
  readonly #close: (fd: number) => void;
  #fd: number | undefined;

  constructor(path: string, fd: number, close: (fd: number) => void) {
    this.path = path;
    this.#fd = fd;
    this.#close = close;
  }

  /** The number of a descriptor that was closed soon means something else. */
  get #open(): number {
    if (this.#fd === undefined) throw new TypeError(`${this.path} is closed`);
    return this.#fd;
  }

  /** @returns undefined if it is not there, or is no directory */
  static open(path: string): Directory | undefined {
    return ifAny(path, () => {
      const fd = openSync(path, O_RDONLY | O_DIRECTORY);
      return new Directory(path, fd, closeSync);
    });
  }

  /** A directory below; see {@link Directory.open}. */
  directory(name: string): Directory | undefined {
    return ifAny(join(this.path, name), () => {
      const fd = openBeneath(this.#open, Buffer.from(name), O_RDONLY | O_DIRECTORY);
      return new Directory(join(this.path, name), fd, closeDescriptor);
    });
  }

  /**
   * Open a regular file below. Anything else is left unopened: with devices and FIFOs that alone can have effects.
   *
   * @param name names with single slashes between them
   * @returns undefined if there is nothing of this name, or a symbolic link is in the way; `'no file'` if it is something else
   * @throws {ContainersStorageError} NOT_READABLE, UNSAFE_PATH {LinuxError}
   */
  openFile(name: string | Uint8Array): OpenFile | 'no file' | undefined {
    const bytes = typeof name === 'string' ? Buffer.from(name) : name;
    return ifAny(join(this.path, Buffer.from(bytes).toString()), () => {
      const place = openBeneath(this.#open, bytes, O_PATH);
      try {
        return fstatSync(place).isFile() ? reopened(place) : 'no file';
      } finally {
        closeDescriptor(place);
      }
    });
  }

  /**
   * A whole file below.
   *
   * @returns undefined if it is not there
   * @throws {ContainersStorageError} TOO_LARGE, NOT_READABLE, INVALID_STORE if it is no regular file
   */
  readFile(name: string, limit: number): Uint8Array<ArrayBuffer> | undefined {
    const file = this.openFile(name);
    if (file === undefined) return undefined;
    const path = join(this.path, name);
    if (file === 'no file') throw new ContainersStorageError('INVALID_STORE', path, 'wanted a regular file, found something else');
    try {
      if (file.size > limit) throw new ContainersStorageError('TOO_LARGE', path, `wanted at most ${limit} bytes, found ${file.size}`);
      const bytes = new Uint8Array(file.size);
      return bytes.subarray(0, readFully(file.fd, bytes, 0));
    } finally {
      file.close();
    }
  }

  /** A second call does nothing; after it, every other one is a TypeError. */
  close(): void {
    if (this.#fd !== undefined) this.#close(this.#fd);
    this.#fd = undefined;
  }
}

/** The file that a descriptor of O_PATH stands for, whatever has its name by now. */
function reopened(place: number): OpenFile {
  const fd = openSync(`/proc/self/fd/${place}`, O_RDONLY | O_NONBLOCK);
  return { fd, size: fstatSync(fd).size, close: () => closeSync(fd) };
}

function ifAny<T>(path: string, open: () => T): T | undefined {
  try {
    return open();
  } catch (cause) {
    if (hasCode(cause, 'ENOENT', 'ENOTDIR', 'ELOOP')) return undefined;
    if (hasCode(cause, 'ENAMETOOLONG')) throw new ContainersStorageError('UNSAFE_PATH', path, 'longer than any name can be', { cause });
    if (!hasCode(cause, 'EACCES', 'EPERM')) throw cause;
    throw new ContainersStorageError('NOT_READABLE', path, 'this user may not read it (podman unshare runs programs as its owner)', {
      cause,
    });
  }
}

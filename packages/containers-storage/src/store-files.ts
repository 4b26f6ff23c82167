import { closeDescriptor, openBeneath } from '@cfskit/linux';
import { closeSync, constants, fstatSync, openSync, read, readSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ContainersStorageError, hasCode } from './errors.ts';

const { O_DIRECTORY, O_NONBLOCK, O_RDONLY } = constants;

/** A FIFO that nobody writes to would hold up whoever opens it. */
const READ_FILE = O_RDONLY | O_NONBLOCK;

/** An open directory. Below it no symbolic link is followed, and nothing outside of it is opened. */
export class Directory {
  readonly path: string;
  readonly #fd: number;
  readonly #close: () => void;

  constructor(path: string, fd: number, close: () => void) {
    this.path = path;
    this.#fd = fd;
    this.#close = close;
  }

  /** @returns undefined if it is not there, or is no directory */
  static open(path: string): Directory | undefined {
    return ifAny(path, () => {
      const fd = openSync(path, O_RDONLY | O_DIRECTORY);
      return new Directory(path, fd, () => closeSync(fd));
    });
  }

  /** A directory below; see {@link Directory.open}. */
  directory(name: string): Directory | undefined {
    return ifAny(join(this.path, name), () => {
      const fd = openBeneath(this.#fd, Buffer.from(name), O_RDONLY | O_DIRECTORY);
      return new Directory(join(this.path, name), fd, () => closeDescriptor(fd));
    });
  }

  /**
   * Open a file below. It need not be a regular one.
   *
   * @param name names with single slashes between them
   * @returns a descriptor, to be closed by `closeDescriptor`; undefined if there is none, or a symbolic link is in the way
   * @throws {ContainersStorageError} NOT_READABLE {LinuxError}
   */
  openFile(name: string | Uint8Array): number | undefined {
    const bytes = typeof name === 'string' ? Buffer.from(name) : name;
    return ifAny(join(this.path, Buffer.from(bytes).toString()), () => openBeneath(this.#fd, bytes, READ_FILE));
  }

  /**
   * A whole file below.
   *
   * @returns undefined if it is not there
   * @throws {ContainersStorageError} TOO_LARGE, NOT_READABLE, INVALID_STORE if it is no regular file
   */
  readFile(name: string, limit: number): Uint8Array<ArrayBuffer> | undefined {
    const fd = this.openFile(name);
    if (fd === undefined) return undefined;
    const path = join(this.path, name);
    try {
      const stat = fstatSync(fd);
      if (!stat.isFile()) throw new ContainersStorageError('INVALID_STORE', path, 'wanted a regular file, found something else');
      if (stat.size > limit) throw new ContainersStorageError('TOO_LARGE', path, `wanted at most ${limit} bytes, found ${stat.size}`);
      const bytes = new Uint8Array(stat.size);
      return bytes.subarray(0, readFully(fd, bytes));
    } finally {
      closeDescriptor(fd);
    }
  }

  close(): void {
    this.#close();
  }
}

/** Fill `bytes` from the start of a file, and say how many there were. */
export function readFully(fd: number, bytes: Uint8Array): number {
  let filled = 0;
  while (filled < bytes.byteLength) {
    const count = readSync(fd, bytes, filled, bytes.byteLength - filled, filled);
    if (count === 0) break;
    filled += count;
  }
  return filled;
}

const readAsync = promisify(read);
const CHUNK_SIZE = 512 * 1024;

/** The first `size` bytes of a file, or fewer where it ends, in chunks that belong to the consumer. */
export async function* fileChunks(fd: number, size: number): AsyncGenerator<Uint8Array, void> {
  for (let at = 0; at < size;) {
    const length = Math.min(CHUNK_SIZE, size - at);
    const { buffer, bytesRead } = await readAsync(fd, Buffer.allocUnsafeSlow(length), 0, length, at);
    if (bytesRead === 0) return;
    at += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}

function ifAny<T>(path: string, open: () => T): T | undefined {
  try {
    return open();
  } catch (cause) {
    if (hasCode(cause, 'ENOENT', 'ENOTDIR', 'ELOOP')) return undefined;
    if (!hasCode(cause, 'EACCES', 'EPERM')) throw cause;
    throw new ContainersStorageError('NOT_READABLE', path, 'this user may not read it (podman unshare runs programs as its owner)', {
      cause,
    });
  }
}

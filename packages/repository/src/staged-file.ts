import { discardStagingFile, linkFd, linkStagingFile, openStagingFile, reopenReadOnly, type StagingFile } from '@cfskit/linux';
import { closeSync, fstatSync, renameSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { writeFully } from './file-io.ts';
import { OBJECT_PREFIX, temporaryName } from './temporary-name.ts';

/** A file that is filled before it gets its name. Until then it is unnamed, or has a temporary name; {@link close} makes an end of both. */
export class StagedFile {
  readonly directory: string;
  #file: StagingFile;

  /** @param prefix how a temporary name begins, where one is needed */
  constructor(directory: string, prefix: string = OBJECT_PREFIX) {
    this.directory = directory;
    this.#file = openStagingFile(directory, { prefix });
  }

  get fd(): number {
    return this.#file.fd;
  }

  get size(): number {
    return fstatSync(this.#file.fd).size;
  }

  /** Write at the place where the last write ended. */
  write(bytes: Uint8Array): void {
    writeFully(this.#file.fd, bytes);
  }

  /** Trade the descriptor for one that can only read, as verity demands. */
  reopenReadOnly(): void {
    const writable = this.#file;
    this.#file = { fd: reopenReadOnly(writable.fd), path: writable.path };
    closeSync(writable.fd);
  }

  /** Go on with another file that has the same content; this one is dropped. */
  become(copy: StagingFile): void {
    this.close();
    this.#file = copy;
  }

  /** Give the file its name. If that is taken, the file there stays. */
  link(destination: string): 'exists' | 'linked' {
    const outcome = linkStagingFile(this.#file, destination);
    this.#file = { fd: this.#file.fd, path: undefined };
    return outcome;
  }

  /** Give the file its name, in place of the file that has it now, in one step. */
  replace(destination: string): void {
    const path = this.#file.path ?? this.#linkTemporary();
    try {
      renameSync(path, destination);
    } catch (error) {
      unlinkSync(path);
      throw error;
    } finally {
      this.#file = { fd: this.#file.fd, path: undefined };
    }
  }

  /** Close the descriptor. A file without a name is gone then. */
  close(): void {
    try {
      discardStagingFile(this.#file);
    } finally {
      closeSync(this.#file.fd);
    }
  }

  #linkTemporary(): string {
    const path = join(this.directory, temporaryName(OBJECT_PREFIX));
    if (linkFd(this.#file.fd, path) === 'linked') return path;
    return this.#linkTemporary(); // two random names were equal
  }
}

import { readFully } from '@cfskit/linux';
import { FsVerityHasher, parseObjectName, type Algorithm, type BlockHash, type ObjectId } from '@cfskit/fs-verity';
import { closeSync } from 'node:fs';
import { messageOf } from './errors.ts';
import { openForReading } from './file-io.ts';
import type { FsckFinding } from './finding.ts';

import type { VerityCalls } from './verity-calls.ts';

/** What a check of objects works with. */
export interface CheckerOptions {
  /** Root of the repository. */
  readonly path: string;
  readonly algorithm: Algorithm;
  readonly secure: boolean;
  readonly verity: VerityCalls;
  readonly blockHash: BlockHash | undefined;
}

/** Compares files below `objects/` with their names: by asking the kernel, or by hashing them. */
export class ObjectChecker {
  readonly #options: CheckerOptions;
  readonly #hasher: FsVerityHasher;
  readonly #buffer: Uint8Array = Buffer.allocUnsafe(BUFFER_SIZE);

  constructor(options: CheckerOptions) {
    this.#options = options;
    this.#hasher = new FsVerityHasher(options.algorithm, { blockHash: options.blockHash });
  }

  /**
   * Check one entry of `objects/<directory>`. Stops now and then, however large the file, for a caller that has other things to do.
   *
   * @returns what is wrong with it, if anything
   */
  *check(directory: string, name: string): Generator<void, FsckFinding | undefined> {
    const path = `objects/${directory}/${name}`;
    let id: ObjectId;
    try {
      id = parseObjectName(Number.parseInt(directory, 16), name, this.#options.algorithm);
    } catch (error) {
      return { type: 'object-invalid-name', path, detail: messageOf(error) };
    }
    let fd: number;
    try {
      fd = openForReading(`${this.#options.path}/${path}`);
    } catch (error) {
      return { type: 'object-open-failed', path, detail: messageOf(error) };
    }
    try {
      return yield* this.#compare(fd, id, path);
    } finally {
      closeSync(fd);
    }
  }

  *#compare(fd: number, id: ObjectId, path: string): Generator<void, FsckFinding | undefined> {
    let measured = this.#measure(fd);
    if (measured === undefined) {
      if (this.#options.secure) return { type: 'object-verity-missing', path };
      try {
        measured = yield* this.#hash(fd);
      } catch (error) {
        return { type: 'object-verity-failed', path, detail: `Computing verity digest in userspace: ${messageOf(error)}` };
      }
    }
    return measured === id ? undefined : { type: 'object-digest-mismatch', path, measured };
  }

  /** What the kernel says; nothing if it says nothing that would help, for whatever reason. */
  #measure(fd: number): ObjectId | undefined {
    try {
      const measured = this.#options.verity.measure(fd);
      if (measured === undefined || measured === 'unsupported') return undefined;
      return measured.algorithm === this.#options.algorithm ? measured.digest : undefined;
    } catch {
      return undefined;
    }
  }

  *#hash(fd: number): Generator<void, ObjectId> {
    this.#hasher.reset();
    for (let position = 0; ;) {
      if (position > 0) yield;
      const size = readFully(fd, this.#buffer, position);
      this.#hasher.update(this.#buffer.subarray(0, size));
      position += size;
      if (size < BUFFER_SIZE) return this.#hasher.objectId();
    }
  }
}

const BUFFER_SIZE = 1 << 20;

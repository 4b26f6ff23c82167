import type { ObjectId } from '@cfskit/fs-verity';
import { closeSync } from 'node:fs';
import { hasCode } from './errors.ts';
import type { ObjectFiles } from './object-files.ts';
import type { ObjectVerity } from './object-verity.ts';
import { RecentIds } from './recent-ids.ts';
import type { StagedFile } from './staged-file.ts';

/** What is under the name of an object that is about to be stored. */
export type Found = 'absent' | 'damaged' | 'present';

/** Decides whether a content has to be written, and gives it its name. */
export class ObjectPlacement {
  readonly #files: ObjectFiles;
  readonly #verity: ObjectVerity;
  /** Known to be in the store with the right content, since this store looked. */
  readonly #recent: RecentIds = new RecentIds(RECENT_CAPACITY);

  constructor(files: ObjectFiles, verity: ObjectVerity) {
    this.#files = files;
    this.#verity = verity;
  }

  /**
   * Look whether an object is there and is what its name says. Where the kernel does not vouch for it, its bytes are compared with those at
   * hand: a file that was being written when the power failed has the right name, too.
   *
   * @param matches whether the open file has the content that is about to be stored
   * @throws {RepositoryError} CORRUPT_OBJECT, VERITY_MISSING, VERITY_UNSUPPORTED
   */
  look(id: ObjectId, matches: (fd: number) => boolean): Found {
    if (this.#recent.has(id)) return 'present';
    if (this.#files.stat(id) === undefined) return 'absent';
    const fd = this.#open(id);
    if (fd === undefined) return 'absent';
    try {
      if (!this.#verity.vouches(fd, id, 'Verifying existing object integrity')) {
        if (!matches(fd)) return 'damaged';
        this.#verity.enableInPlace(fd);
      }
      this.#recent.add(id);
      return 'present';
    } finally {
      closeSync(fd);
    }
  }

  /**
   * Name a finished file, with verity where it can have it. The file is still the caller's to close.
   *
   * @param found the answer of {@link look}
   * @returns whether the file became the object; `false` if somebody else was faster
   */
  place(file: StagedFile, id: ObjectId, found: Found): boolean {
    if (found === 'present') return false;
    this.#verity.seal(file, id);
    const stored = found === 'damaged' ? this.#replace(file, id) : this.#files.link(file, id) === 'linked';
    this.#recent.add(id);
    return stored;
  }

  /** Forget what was seen: somebody may have removed it. */
  forget(id?: ObjectId): void {
    if (id === undefined) this.#recent.clear();
    else this.#recent.delete(id);
  }

  #replace(file: StagedFile, id: ObjectId): true {
    this.#files.replace(file, id);
    return true;
  }

  #open(id: ObjectId): number | undefined {
    try {
      return this.#files.open(id);
    } catch (error) {
      if (hasCode(error, 'NOT_FOUND')) return undefined;
      throw error;
    }
  }
}

/** Ids of half a million small files repeat within a run or not at all: 2 × 32,768 of them take 10 MB. */
const RECENT_CAPACITY = 32_768;

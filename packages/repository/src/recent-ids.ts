import type { ObjectId } from '@cfskit/fs-verity';

/**
 * The last ids that were seen, at most twice `capacity` of them: memory that does not grow with the repository.
 * A full half is kept as the old one, and what is looked up there counts as new again.
 */
export class RecentIds {
  readonly #capacity: number;
  #young: Set<ObjectId> = new Set();
  #old: Set<ObjectId> = new Set();

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  add(id: ObjectId): void {
    if (this.#young.size >= this.#capacity) {
      this.#old = this.#young;
      this.#young = new Set();
    }
    this.#young.add(id);
  }

  has(id: ObjectId): boolean {
    if (this.#young.has(id)) return true;
    if (!this.#old.has(id)) return false;
    this.add(id);
    return true;
  }

  delete(id: ObjectId): void {
    this.#young.delete(id);
    this.#old.delete(id);
  }

  clear(): void {
    this.#young.clear();
    this.#old.clear();
  }
}

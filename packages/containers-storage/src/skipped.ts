import { ContainersStorageError } from './errors.ts';

/** What is wrong with one store keeps nobody from the others. The first reason is kept, for when nothing is found in them either. */
export class Skipped {
  #reason: ContainersStorageError | undefined;

  get reason(): ContainersStorageError | undefined {
    return this.#reason;
  }

  /**
   * Go on without what could not be read.
   *
   * @throws `error` itself if it is about anything else than a store
   */
  add(error: unknown): void {
    if (!(error instanceof ContainersStorageError)) throw error;
    this.#reason ??= error;
  }

  /** What `read` gives; undefined if a store is not as it should be. */
  async unless<T>(read: Promise<T>): Promise<T | undefined> {
    try {
      return await read;
    } catch (error) {
      this.add(error);
      return undefined;
    }
  }
}

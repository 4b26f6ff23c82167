import type { FileRecord, FileRequest } from './file-reader.ts';
import type { LeafTable, PendingFile } from './leaf-table.ts';

/** What reads batches of files: threads, or this one. */
export interface ReadFiles {
  /** How many batches can be given out before it is better to wait. */
  readonly room: number;
  /** The files of a batch, in the same order. */
  read(batch: readonly FileRequest[]): Promise<readonly FileRecord[]>;
  close(): Promise<void>;
}

/**
 * Collects files into batches, gives them out to be read, and settles what comes back. No more is given out than can be read soon, so that the
 * walk does not run ahead of the reading.
 */
export class ReadQueue {
  readonly #table: LeafTable;
  readonly #files: ReadFiles;
  readonly #report: () => void;
  readonly #aborted: Promise<void>;
  readonly #running = new Set<Promise<void>>();
  readonly #forget: () => void;
  readonly #failures: unknown[] = [];
  #batch: PendingFile[] = [];
  #bytes = 0;

  /**
   * @param report called after each batch
   */
  constructor(table: LeafTable, files: ReadFiles, report: () => void, signal: AbortSignal | undefined) {
    this.#table = table;
    this.#files = files;
    this.#report = report;
    const { promise, resolve } = Promise.withResolvers<void>();
    const abort = (): void => {
      this.#failures.push(signal?.reason);
      resolve();
    };
    signal?.addEventListener('abort', abort, { once: true });
    this.#aborted = promise;
    this.#forget = () => signal?.removeEventListener('abort', abort);
  }

  /**
   * Have a file read, and wait while there is too much to do already.
   *
   * @throws the first error of a batch before it; the signal's reason
   */
  async add(file: PendingFile): Promise<void> {
    this.#throwFailure();
    this.#batch.push(file);
    this.#bytes += file.size;
    if (this.#batch.length < BATCH_FILES && this.#bytes < BATCH_BYTES) return;
    this.#flush();
    while (this.#running.size >= this.#files.room) await this.#next();
  }

  /**
   * Wait for everything.
   *
   * @throws as {@link add}
   */
  async finish(): Promise<void> {
    if (this.#batch.length > 0) this.#flush();
    while (this.#running.size > 0) await this.#next();
    this.#throwFailure();
  }

  /** Stop what still runs. Nothing of it reaches the tree any more. */
  async close(): Promise<void> {
    this.#forget();
    await this.#files.close();
    await Promise.all(this.#running);
  }

  #flush(): void {
    const batch = this.#batch;
    this.#batch = [];
    this.#bytes = 0;
    const running = this.#read(batch)
      .catch((error: unknown) => void this.#failures.push(error))
      .finally(() => this.#running.delete(running));
    this.#running.add(running);
  }

  /** Wait until a batch is done. */
  async #next(): Promise<void> {
    await Promise.race([...this.#running, this.#aborted]);
    this.#throwFailure();
  }

  #throwFailure(): void {
    if (this.#failures.length > 0) throw this.#failures[0];
  }

  async #read(batch: readonly PendingFile[]): Promise<void> {
    const records = await this.#files.read(batch.map(({ request }) => request));
    records.forEach((record, index) => this.#table.settle(batch[index]!, record));
    this.#report();
  }
}

/** Enough for a message between threads to cost little beside its files, and little enough to share the last ones evenly. */
const BATCH_FILES = 128;
const BATCH_BYTES = 4 << 20;

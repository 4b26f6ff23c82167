import { setImmediate as turn } from 'node:timers/promises';
import { openContentStore, type ContentStoreModule } from './content-store.ts';
import { FileReader, Stopped, type FileRecord, type FileRequest, type ReadOptions } from './file-reader.ts';
import { FileWorkers, hasWorkerFile } from './file-workers.ts';
import type { ReadFiles } from './read-queue.ts';

/** Reads the first batches in this thread, and what comes after them in others: starting those takes longer than reading a few files. */
export class FileReaders implements ReadFiles {
  readonly #options: ReadOptions;
  readonly #store: ContentStoreModule | undefined;
  readonly #threads: number;
  #here: Promise<FileReader> | undefined;
  #workers: FileWorkers | undefined;
  #batches = 0;
  #isStopped = false;

  constructor(options: ReadOptions, store: ContentStoreModule | undefined, threads: number) {
    this.#options = options;
    this.#store = store;
    this.#threads = threads > 1 && hasWorkerFile() ? threads : 1;
  }

  get room(): number {
    return this.#workers?.room ?? 1;
  }

  read(batch: readonly FileRequest[]): Promise<readonly FileRecord[]> {
    this.#batches += 1;
    if (this.#threads === 1 || this.#batches <= BATCHES_HERE) return this.#readHere(batch);
    this.#workers ??= new FileWorkers(this.#threads, this.#options, this.#store);
    return this.#workers.read(batch);
  }

  async close(): Promise<void> {
    this.#isStopped = true;
    await this.#workers?.close();
  }

  async #readHere(batch: readonly FileRequest[]): Promise<readonly FileRecord[]> {
    const reader = await (this.#here ??= this.#openReader());
    const records: FileRecord[] = [];
    for (const request of batch) {
      if (this.#isStopped) throw new Stopped();
      records.push(reader.read(request));
      await turn();
    }
    return records;
  }

  async #openReader(): Promise<FileReader> {
    const store = this.#store && (await openContentStore(this.#store));
    return new FileReader(this.#options, store, () => this.#isStopped);
  }
}

/** Five hundred small files, or 16 MiB, take 50 ms; two threads are there after 100 ms (Node 24, two busy cores). */
const BATCHES_HERE = 4;

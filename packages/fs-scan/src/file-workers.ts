import { endThread, reviveError } from '@cfskit/linux';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import type { ContentStoreModule } from './content-store.ts';
import { FsScanError } from './errors.ts';
import type { FileRecord, FileRequest, ReadOptions } from './file-reader.ts';
import type { ReadFiles } from './read-queue.ts';
import type { WorkerReply, WorkerSetup } from './file-worker.ts';

/** From source (TypeScript, in a checkout) as well as from the built package. */
const FROM_SOURCE = import.meta.url.endsWith('.ts');
const ENTRY = fileURLToPath(new URL(FROM_SOURCE ? './file-worker.ts' : './file-worker.js', import.meta.url));

/** Whether threads can be started: somebody may have bundled their entry file away. */
export function hasWorkerFile(): boolean {
  return existsSync(ENTRY);
}

/** Threads that read files, each with the next batch already at hand while it reads one. */
export class FileWorkers implements ReadFiles {
  readonly #stop = new Int32Array(new SharedArrayBuffer(4));
  readonly #workers: FileWorker[];

  constructor(count: number, options: ReadOptions, store: ContentStoreModule | undefined) {
    this.#workers = Array.from({ length: count }, () => new FileWorker({ options, store, stop: this.#stop }));
  }

  /** How many batches can be given out before it is better to wait. */
  get room(): number {
    return this.#workers.length * BATCHES_AT_HAND;
  }

  /** Give a batch to the thread that has least to do. */
  read(batch: readonly FileRequest[]): Promise<readonly FileRecord[]> {
    const [idlest] = this.#workers.toSorted((a, b) => a.waiting - b.waiting);
    return idlest!.read(batch);
  }

  /** End the threads. They finish the piece that they read and close their files first. */
  async close(): Promise<void> {
    Atomics.store(this.#stop, 0, 1);
    await Promise.all(this.#workers.map((worker) => worker.close()));
  }
}

interface Waiting {
  readonly resolve: (records: readonly FileRecord[]) => void;
  readonly reject: (error: Error) => void;
}

class FileWorker {
  readonly #worker: Worker;
  /** Batches that have been sent, in order, which is the order of the answers. */
  readonly #batches: Waiting[] = [];
  #failure: Error | undefined;
  #idle: (() => void) | undefined;

  constructor(setup: WorkerSetup) {
    this.#worker = new Worker(ENTRY, { resourceLimits: LIMITS, ...(FROM_SOURCE && { execArgv: ['--conditions=source'] }) });
    this.#worker.on('message', (reply: WorkerReply) => this.#answer(reply));
    this.#worker.on('error', (error: Error) => this.#fail(error));
    this.#worker.on('exit', (code) => this.#fail(new Error(`a worker thread ended with code ${code}`)));
    this.#worker.postMessage(setup, []);
  }

  get waiting(): number {
    return this.#batches.length;
  }

  read(batch: readonly FileRequest[]): Promise<readonly FileRecord[]> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== undefined) return reject(this.#failure);
      this.#batches.push({ resolve, reject });
      this.#worker.postMessage(batch, []);
    });
  }

  async close(): Promise<void> {
    if (this.#batches.length > 0) await new Promise<void>((resolve) => (this.#idle = resolve));
    await endThread(this.#worker);
  }

  #answer(reply: WorkerReply): void {
    const batch = this.#batches.shift();
    if ('records' in reply) batch?.resolve(reply.records);
    else batch?.reject(reviveError(reply.error, [FsScanError]));
    if (this.#batches.length === 0) this.#idle?.();
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    for (const batch of this.#batches.splice(0)) batch.reject(this.#failure);
    this.#idle?.();
  }
}

/** A worker's heap holds small objects only; the contents of files lie outside of it. */
const LIMITS = { maxYoungGenerationSizeMb: 8, maxOldGenerationSizeMb: 256 };
const BATCHES_AT_HAND = 2;

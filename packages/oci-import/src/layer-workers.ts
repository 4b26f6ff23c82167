import { endThread } from '@cfskit/linux';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import type { MessagePort } from 'node:worker_threads';
import type { WorkerReply, WorkerRequest } from './layer-worker.ts';
import { reviveWorkerError } from './revive-error.ts';

/** The heap of a worker holds parser state and small objects only; bulk data lies outside of it. */
const LIMITS = { maxYoungGenerationSizeMb: 8, maxOldGenerationSizeMb: 256 };

/** From source (TypeScript, in a checkout) as well as from the built package. */
const FROM_SOURCE = import.meta.url.endsWith('.ts');
const WORKER = fileURLToPath(FROM_SOURCE ? new URL('./layer-worker.ts', import.meta.url) : new URL('./layer-worker.js', import.meta.url));

/** Whether threads can be started: somebody may have bundled their entry file away. */
export function hasWorkerFile(): boolean {
  return existsSync(WORKER);
}

/** Worker threads that are started when they are needed and then used again. */
export class LayerWorkers {
  readonly #limit: number;
  #workers: LayerWorker[] = [];

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** How many could take a request without sharing a thread with another. */
  get idle(): number {
    return this.#limit - this.#workers.filter((worker) => worker.load > 0).length;
  }

  /** The answer to a request, by the worker that has the least to do. */
  ask(request: WorkerRequest, transfer: readonly MessagePort[]): Promise<unknown> {
    return this.#choose().ask(request, transfer);
  }

  async close(): Promise<void> {
    await Promise.all(this.#workers.splice(0).map((worker) => worker.close()));
  }

  #choose(): LayerWorker {
    this.#workers = this.#workers.filter((worker) => worker.usable);
    const [best] = this.#workers.toSorted((a, b) => a.load - b.load);
    if (best !== undefined && (best.load === 0 || this.#workers.length >= this.#limit)) return best;
    const started = new LayerWorker();
    this.#workers.push(started);
    return started;
  }
}

/** One thread. It may have several requests, which take turns chunk by chunk. While idle it keeps no process alive. */
class LayerWorker {
  readonly #worker: Worker = new Worker(WORKER, { resourceLimits: LIMITS, ...(FROM_SOURCE && { execArgv: ['--conditions=source'] }) });
  readonly #pending: Map<number, PromiseWithResolvers<unknown>> = new Map();
  #lastId = 0;
  #usable = true;

  constructor() {
    this.#worker.on('message', (reply: WorkerReply) => this.#answer(reply));
    this.#worker.on('error', (error) => this.#fail(error));
    this.#worker.on('exit', (code) => this.#fail(new Error(`a worker thread ended with code ${code}`)));
    this.#worker.unref();
  }

  get load(): number {
    return this.#pending.size;
  }

  /** False once the thread has died. */
  get usable(): boolean {
    return this.#usable;
  }

  async ask(request: WorkerRequest, transfer: readonly MessagePort[]): Promise<unknown> {
    const id = ++this.#lastId;
    const pending = Promise.withResolvers<unknown>();
    this.#pending.set(id, pending);
    this.#worker.ref();
    this.#worker.postMessage({ id, request }, transfer);
    try {
      return await pending.promise;
    } finally {
      this.#pending.delete(id);
      if (this.#pending.size === 0) this.#worker.unref();
    }
  }

  /** The layers that it had have come to their ends, whatever these were. */
  async close(): Promise<void> {
    await endThread(this.#worker);
  }

  #answer(reply: WorkerReply): void {
    const pending = this.#pending.get(reply.id);
    if (reply.ok) pending?.resolve(reply.value);
    else pending?.reject(reviveWorkerError(reply.error));
  }

  /** A thread that dies (out of memory) is a failure of all the layers it had. */
  #fail(error: unknown): void {
    this.#usable = false;
    for (const pending of this.#pending.values()) pending.reject(error);
  }
}

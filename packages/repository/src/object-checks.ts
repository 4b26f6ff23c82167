import { objectPath, type ObjectId } from '@cfskit/fs-verity';
import { endThread } from '@cfskit/linux';
import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import type { RepositoryContext } from './context.ts';
import type { FsckFinding } from './finding.ts';
import { nativeHash } from './native-hash.ts';
import { ObjectChecker } from './object-check.ts';
import { checkBatch, type CheckWorkerData, type ObjectBatch } from './object-check-batch.ts';
import { namesIn, OBJECT_DIRECTORIES } from './object-files.ts';
import { kernelVerity } from './verity-calls.ts';

/** How objects are checked. */
export interface ObjectCheckOptions {
  /** Only these, in this order. A missing one is a finding. */
  readonly ids?: readonly ObjectId[] | undefined;
  /** Threads that hash, the calling one among them. Unless told, more than one when it takes long. */
  readonly jobs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Called now and then. */
  readonly onChecked?: ((done: number, total: number) => void) | undefined;
}

/** What came of it. */
export interface ObjectCheckResult {
  readonly checked: number;
  /** In the order of their paths. */
  readonly findings: readonly FsckFinding[];
}

/** Check everything that is in `objects/00` to `objects/ff`, or some objects, with the help of other threads where that pays off. */
export async function checkObjects(context: RepositoryContext, options: ObjectCheckOptions = {}): Promise<ObjectCheckResult> {
  const objects = join(context.path, 'objects');
  const { ids } = options;
  const total = ids?.length ?? OBJECT_DIRECTORIES.reduce((count, name) => count + namesIn(objects, name).length, 0);
  const findings: FsckFinding[] = [];
  let checked = 0;
  const batches = share(ids === undefined ? batchesOf(objects) : batchesOfIds(ids));
  const lane = async (check: (batch: ObjectBatch) => FindingsOf): Promise<void> => {
    for (const batch of batches) {
      options.signal?.throwIfAborted();
      findings.push(...(await check(batch)));
      checked += batch.names.length;
      options.onChecked?.(checked, Math.max(checked, total));
    }
  };
  const helpers = new Helpers(context, options.jobs, lane);
  try {
    const onTurn = (): void => {
      options.signal?.throwIfAborted();
      helpers.startIfLate();
    };
    await lane(inThisThread(context, onTurn));
    await helpers.finish();
  } finally {
    await helpers.end();
  }
  return { checked, findings: findings.toSorted((one, other) => (pathOf(one) < pathOf(other) ? -1 : 1)) };
}

type FindingsOf = Promise<readonly FsckFinding[]>;

/** The event loop turns many times a second, however large the files. */
function inThisThread(context: RepositoryContext, onTurn: () => void): (batch: ObjectBatch) => FindingsOf {
  const checker = new ObjectChecker({ ...context, blockHash: nativeHash(context.algorithm) });
  return async (batch) => {
    let turned = -Infinity;
    for (const steps = checkBatch(checker, batch); ;) {
      if (performance.now() - turned > TURN_MS) {
        onTurn();
        await nextTurn();
        turned = performance.now();
      }
      const { done, value } = steps.next();
      if (done === true) return value;
    }
  };
}

/** Other threads that take from the same batches. They start late: until one runs, this thread has hashed some hundred megabytes. */
class Helpers {
  readonly #data: CheckWorkerData;
  readonly #count: number;
  readonly #lane: (check: (batch: ObjectBatch) => FindingsOf) => Promise<void>;
  readonly #startAt: number;
  #workers: readonly CheckWorker[] = [];
  #lanes: Promise<unknown> = Promise.resolve();

  constructor(context: RepositoryContext, jobs: number | undefined, lane: (check: (batch: ObjectBatch) => FindingsOf) => Promise<void>) {
    const { path, algorithm, secure, verity } = context;
    this.#data = { path, algorithm, secure, stop: new Int32Array(new SharedArrayBuffer(4)) };
    // Calls that stand in for the kernel's cannot be sent to another thread.
    const possible = verity === kernelVerity && existsSync(WORKER);
    this.#count = possible ? (jobs ?? Math.min(availableParallelism(), MAX_JOBS)) - 1 : 0;
    this.#startAt = performance.now() + (jobs === undefined ? LATE_MS : 0);
    this.#lane = lane;
  }

  startIfLate(): void {
    if (this.#workers.length > 0 || this.#count < 1 || performance.now() < this.#startAt) return;
    this.#workers = Array.from({ length: this.#count }, () => new CheckWorker(this.#data));
    // Several batches are under way to each thread, for this one looks after them only between two turns.
    const lanes = this.#workers.flatMap((worker) => Array.from({ length: AHEAD }, () => this.#lane((batch) => worker.check(batch))));
    this.#lanes = Promise.all(lanes);
    this.#lanes.catch(() => undefined); // finish() tells
  }

  async finish(): Promise<void> {
    await this.#lanes;
  }

  /** Those that are at work leave it. */
  async end(): Promise<void> {
    Atomics.store(this.#data.stop, 0, 1);
    await Promise.all(this.#workers.map((worker) => worker.end()));
  }
}

/** Leaving one loop over a generator would end it for all others. */
function share<T>(items: Iterable<T>): Iterable<T> {
  const iterator = items[Symbol.iterator]();
  return { [Symbol.iterator]: () => ({ next: () => iterator.next() }) };
}

/** A thread that answers in the order in which it is asked. */
class CheckWorker {
  readonly #worker: Worker;
  readonly #waiting: PromiseWithResolvers<readonly FsckFinding[]>[] = [];
  #failure: Error | undefined;

  constructor(workerData: CheckWorkerData) {
    this.#worker = new Worker(WORKER, { workerData, ...(FROM_SOURCE && { execArgv: ['--conditions=source'] }) });
    this.#worker.on('message', (findings: readonly FsckFinding[]) => this.#waiting.shift()?.resolve(findings));
    this.#worker.on('error', (error: Error) => this.#fail(error));
    this.#worker.on('exit', (code) => this.#fail(new Error(`a worker thread ended with code ${code}`)));
  }

  async check(batch: ObjectBatch): FindingsOf {
    if (this.#failure !== undefined) throw this.#failure;
    const answer = Promise.withResolvers<readonly FsckFinding[]>();
    this.#waiting.push(answer);
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
    this.#worker.postMessage(batch);
    return answer.promise;
  }

  async end(): Promise<void> {
    await endThread(this.#worker);
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }
}

function* batchesOf(objects: string): Generator<ObjectBatch, void> {
  for (const directory of OBJECT_DIRECTORIES) {
    const names = namesIn(objects, directory);
    for (let start = 0; start < names.length; start += BATCH_SIZE) yield { directory, names: names.slice(start, start + BATCH_SIZE) };
  }
}

function* batchesOfIds(ids: readonly ObjectId[]): Generator<ObjectBatch, void> {
  for (const id of ids) {
    const [directory = '', name = ''] = objectPath(id).split('/');
    yield { directory, names: [name] };
  }
}

function pathOf(finding: FsckFinding): string {
  return 'path' in finding ? finding.path : '';
}

const BATCH_SIZE = 64;
const LATE_MS = 300;
const TURN_MS = 10;
const AHEAD = 8;
const MAX_JOBS = 4;
const FROM_SOURCE = import.meta.url.endsWith('.ts');
/** Beside this file, from source as well as built. Where somebody has bundled it away, one thread does it all. */
const WORKER: string = fileURLToPath(
  FROM_SOURCE ? new URL('./object-check-worker.ts', import.meta.url) : new URL('./object-check-worker.js', import.meta.url),
);

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
  /** Threads that hash; 1 is the calling one alone. Unless told, as many as pay off. */
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

/** Check everything that is in `objects/00` to `objects/ff`, on several threads where that pays off. */
export async function checkObjects(context: RepositoryContext, options: ObjectCheckOptions = {}): Promise<ObjectCheckResult> {
  const directory = join(context.path, 'objects');
  const total = OBJECT_DIRECTORIES.reduce((count, name) => count + namesIn(directory, name).length, 0);
  const findings: FsckFinding[] = [];
  let checked = 0;
  const run = async (check: (batch: ObjectBatch) => FindingsOf, batches: Iterable<ObjectBatch>): Promise<void> => {
    for (const batch of batches) {
      options.signal?.throwIfAborted();
      findings.push(...(await check(batch)));
      checked += batch.names.length;
      options.onChecked?.(checked, Math.max(checked, total));
    }
  };
  const jobs = context.verity === kernelVerity ? (options.jobs ?? jobsFor(total)) : 1;
  const batches = batchesOf(directory);
  if (jobs > 1 && existsSync(WORKER)) await runInWorkers(jobs, context, batches, run);
  else await run(inThisThread(context), batches);
  return { checked, findings: findings.toSorted((one, other) => (pathOf(one) < pathOf(other) ? -1 : 1)) };
}

type FindingsOf = Promise<readonly FsckFinding[]>;

/** Starting a thread takes as long as hashing some hundred files of the usual size. */
function jobsFor(total: number): number {
  return total < WORTH_A_THREAD ? 1 : Math.min(availableParallelism(), MAX_JOBS);
}

function inThisThread(context: RepositoryContext): (batch: ObjectBatch) => FindingsOf {
  const checker = new ObjectChecker({ ...context, blockHash: nativeHash(context.algorithm) });
  return async (batch) => {
    await nextTurn();
    return checkBatch(checker, batch);
  };
}

/** All workers take from one list of batches, so that none is idle while there is work. */
async function runInWorkers(
  jobs: number,
  { path, algorithm, secure }: RepositoryContext,
  batches: Iterable<ObjectBatch>,
  run: (check: (batch: ObjectBatch) => FindingsOf, batches: Iterable<ObjectBatch>) => Promise<void>,
): Promise<void> {
  const data: CheckWorkerData = { path, algorithm, secure };
  const workers = Array.from({ length: jobs }, () => new CheckWorker(data));
  const shared = share(batches);
  try {
    await Promise.all(workers.map((worker) => run((batch) => worker.check(batch), shared)));
  } finally {
    await Promise.all(workers.map((worker) => worker.end()));
  }
}

/** Leaving one loop over a generator would end it for all others. */
function share<T>(items: Iterable<T>): Iterable<T> {
  const iterator = items[Symbol.iterator]();
  return { [Symbol.iterator]: () => ({ next: () => iterator.next() }) };
}

class CheckWorker {
  readonly #worker: Worker;

  constructor(workerData: CheckWorkerData) {
    this.#worker = new Worker(WORKER, { workerData, ...(FROM_SOURCE && { execArgv: ['--conditions=source'] }) });
  }

  /** One batch at a time. */
  async check(batch: ObjectBatch): FindingsOf {
    const { promise, resolve, reject } = Promise.withResolvers<readonly FsckFinding[]>();
    const exited = (code: number): void => reject(new Error(`a worker thread ended with code ${code}`));
    this.#worker.once('message', resolve).once('error', reject).once('exit', exited);
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
    this.#worker.postMessage(batch);
    try {
      return await promise;
    } finally {
      this.#worker.off('message', resolve).off('error', reject).off('exit', exited);
    }
  }

  async end(): Promise<void> {
    await this.#worker.terminate();
  }
}

function* batchesOf(objects: string): Generator<ObjectBatch, void> {
  for (const directory of OBJECT_DIRECTORIES) {
    const names = namesIn(objects, directory);
    for (let start = 0; start < names.length; start += BATCH_SIZE) yield { directory, names: names.slice(start, start + BATCH_SIZE) };
  }
}

function pathOf(finding: FsckFinding): string {
  return 'path' in finding ? finding.path : '';
}

const BATCH_SIZE = 128;
const WORTH_A_THREAD = 512;
const MAX_JOBS = 4;
const FROM_SOURCE = import.meta.url.endsWith('.ts');
/** Beside this file, from source as well as built. Where somebody has bundled it away, one thread does it all. */
const WORKER: string = fileURLToPath(new URL(FROM_SOURCE ? './object-check-worker.ts' : './object-check-worker.js', import.meta.url));

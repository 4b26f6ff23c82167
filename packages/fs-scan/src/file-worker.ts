/**
 * Entry of a worker thread: reads batches of files. The first message says how; each other one is a batch, answered by one message.
 */
import { parentPort } from 'node:worker_threads';
import { openContentStore, type ContentStoreModule } from './content-store.ts';
import { describeError, type PlainError } from './error-transfer.ts';
import { FileReader, type FileRecord, type FileRequest, type ReadOptions } from './file-reader.ts';

/** The first message. */
export interface WorkerSetup {
  readonly options: ReadOptions;
  readonly store: ContentStoreModule | undefined;
  /** Not 0 when nobody waits any more. */
  readonly stop: Int32Array<SharedArrayBuffer>;
}

/** The answer to a batch: its files in the same order, or the first error. */
export type WorkerReply = { readonly records: readonly FileRecord[] } | { readonly error: PlainError };

parentPort?.once('message', (setup: WorkerSetup) => {
  const reader = openReader(setup);
  reader.catch(() => {}); // every batch tells
  parentPort?.on('message', (batch: readonly FileRequest[]) => {
    void reply(reader, batch);
  });
});

async function openReader({ options, store, stop }: WorkerSetup): Promise<FileReader> {
  const opened = store && (await openContentStore(store));
  return new FileReader(options, opened, () => Atomics.load(stop, 0) !== 0);
}

async function reply(opening: Promise<FileReader>, batch: readonly FileRequest[]): Promise<void> {
  let answer: WorkerReply;
  try {
    const reader = await opening;
    answer = { records: batch.map((request) => reader.read(request)) };
  } catch (error) {
    answer = { error: describeError(error) };
  }
  parentPort?.postMessage(answer, []);
}

/**
 * Entry of a worker thread: reads batches of files. The first message says how; each other one is a batch, answered by one message.
 */
import { parentPort } from 'node:worker_threads';
import { describeError, onMessages, type PlainError } from '@cfskit/linux';
import { openContentStore, type ContentStoreModule } from './content-store.ts';
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

let opening: Promise<FileReader> | undefined;

onMessages<WorkerSetup | readonly FileRequest[]>(parentPort, (message) => {
  if (opening !== undefined) void reply(opening, message as readonly FileRequest[]);
  else {
    opening = openReader(message as WorkerSetup);
    opening.catch(() => {}); // every batch tells
  }
});

async function openReader({ options, store, stop }: WorkerSetup): Promise<FileReader> {
  const opened = store && (await openContentStore(store));
  return new FileReader(options, opened, () => Atomics.load(stop, 0) !== 0);
}

async function reply(reader: Promise<FileReader>, batch: readonly FileRequest[]): Promise<void> {
  let answer: WorkerReply;
  try {
    const opened = await reader;
    answer = { records: batch.map((request) => opened.read(request)) };
  } catch (error) {
    answer = { error: describeError(error) };
  }
  parentPort?.postMessage(answer, []);
}

import type { MessagePort, Worker } from 'node:worker_threads';

/** The message that ends a thread. */
const END = '@cfskit/linux: end';

/** A thread that has not ended after this time hangs. Ends take milliseconds: the longest call of ours hashes one piece of a file. */
const PATIENCE_MS = 10_000;

/** How a thread is ended. */
export interface EndThreadOptions {
  /** how long to wait before the thread is ended by force */
  readonly patienceMs?: number;
}

/**
 * Ends a thread that listens with {@link onMessages} and waits until it has ended.
 *
 * A thread must not be ended from outside while it is in a native addon, nor while it loads one: koffi and zstd-napi then abort the
 * whole process (docs/decisions/ending-threads.md). So it is told to, finishes what it is at, and ends by itself. Only one that
 * does not within `patienceMs` is terminated.
 */
export async function endThread(worker: Worker, { patienceMs = PATIENCE_MS }: EndThreadOptions = {}): Promise<void> {
  if (worker.threadId === -1) return; // it has ended
  const ended = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
  worker.ref();
  worker.postMessage(END, []);
  const force = setTimeout(() => void worker.terminate(), patienceMs);
  await ended;
  clearTimeout(force);
}

/**
 * Listens to the messages of the thread that started this one, until {@link endThread} is called there: then the port is closed,
 * and with nothing else under way this thread ends. Answers that are sent later go nowhere.
 *
 * @param port `parentPort`
 */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the caller says what the other side sends
export function onMessages<Message>(port: MessagePort | null, listener: (message: Message) => void): void {
  port?.on('message', (message: Message) => {
    if (message === END) port.close();
    else listener(message);
  });
}

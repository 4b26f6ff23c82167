import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { endThread } from '@cfskit/linux';
import type { Expected } from '@cfskit/oci-spec';
import { decodeBlob, type DecodeBlobOptions, type DecodeJob } from './decode-blob.ts';
import { reviveThreadError, type FromThread, type ToThread } from './thread-messages.ts';

/** A thread's heap holds the decoder's state; bulk data lies outside of it. */
const RESOURCES = { maxYoungGenerationSizeMb: 8, maxOldGenerationSizeMb: 256 };
const FROM_SOURCE = import.meta.url.endsWith('.ts');
const ENTRY = fileURLToPath(new URL(FROM_SOURCE ? './decode-thread.ts' : './decode-thread.js', import.meta.url));

/** Where layers are unpacked: `auto` starts threads for layers that are worth it. */
export type Threads = 'auto' | 'always' | 'never';

/** Starting a thread takes as long as unpacking a layer of this many stored bytes. */
const WORTH_A_THREAD = 2 * 1024 * 1024;

/** Unpacks layers, in threads of its own where that is faster. Threads are used again, and end with `close`. */
export class LayerDecoder {
  readonly #threads: Threads;
  readonly #limit: number;
  #idle: Worker[] = [];
  readonly #all: Set<Worker> = new Set();

  constructor(threads: Threads = 'auto', limit: number = Math.max(1, availableParallelism() - 1)) {
    this.#threads = existsSync(ENTRY) ? threads : 'never'; // somebody may have bundled the entry away
    this.#limit = limit;
  }

  /** As {@link decodeBlob}. A chunk is valid until the next one is asked for. */
  async *decode(source: AsyncIterable<Uint8Array>, job: DecodeJob, options: DecodeBlobOptions): AsyncGenerator<Uint8Array, void> {
    const worker = this.#isWorthIt(job) ? this.#take() : undefined;
    if (worker === undefined) {
      yield* decodeBlob(source, job, { allocate: twoInTurn(), ...options });
      return;
    }
    const run = new ThreadRun(worker, source, job, options.signal);
    try {
      const blob = yield* run.chunks();
      if (blob !== undefined) options.onBlob(blob);
      this.#idle.push(worker);
      worker.unref();
    } finally {
      // A thread that has not come to the end of its job has no use any more; a program that it runs may hang.
      if (!run.finished) {
        run.stop();
        await this.#end(worker);
      }
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#all].map((worker) => this.#end(worker)));
  }

  #isWorthIt({ packing, expected }: DecodeJob): boolean {
    if (this.#threads !== 'auto') return this.#threads === 'always';
    return packing !== 'none' && (expected?.size ?? Infinity) > WORTH_A_THREAD;
  }

  #take(): Worker | undefined {
    const idle = this.#idle.pop();
    idle?.ref();
    if (idle !== undefined || this.#all.size >= this.#limit) return idle;
    const started = new Worker(ENTRY, { resourceLimits: RESOURCES, ...(FROM_SOURCE && { execArgv: ['--conditions=source'] }) });
    started.on('error', () => undefined); // whoever uses it listens for himself; an idle thread has nobody to tell
    this.#all.add(started);
    return started;
  }

  async #end(worker: Worker): Promise<void> {
    this.#all.delete(worker);
    this.#idle = this.#idle.filter((idle) => idle !== worker);
    await endThread(worker);
  }
}

/** One layer on its way through a thread. */
class ThreadRun {
  readonly #worker: Worker;
  readonly #source: AsyncIterator<Uint8Array>;
  readonly #signal: AbortSignal | undefined;
  readonly #inbox: FromThread[] = [];
  #failure: { readonly error: unknown } | undefined;
  #wanted = 0;
  #feeding = false;
  #wake: () => void = () => undefined;
  finished = false;

  constructor(worker: Worker, source: AsyncIterable<Uint8Array>, job: DecodeJob, signal: AbortSignal | undefined) {
    this.#worker = worker;
    this.#source = source[Symbol.asyncIterator]();
    this.#signal = signal;
    this.#post({ kind: 'job', job });
  }

  /** Nobody wants the rest. */
  stop(): void {
    this.#post({ kind: 'stop' });
  }

  /** What comes out, and what the stored bytes were. */
  async *chunks(): AsyncGenerator<Uint8Array, Expected | undefined> {
    const onMessage = (message: FromThread): void => this.#arrived(message);
    const onError = (error: unknown): void => this.#fail(error);
    const onExit = (code: number): void => this.#fail(new Error(`a worker thread ended with code ${code}`));
    const onAbort = (): void => this.#fail(this.#signal?.reason);
    this.#worker.on('message', onMessage).on('error', onError).on('exit', onExit);
    this.#signal?.addEventListener('abort', onAbort, { once: true });
    try {
      this.#signal?.throwIfAborted();
      return yield* this.#outputs();
    } finally {
      this.#worker.off('message', onMessage).off('error', onError).off('exit', onExit);
      this.#signal?.removeEventListener('abort', onAbort);
      if (!this.finished) await this.#source.return?.();
    }
  }

  async *#outputs(): AsyncGenerator<Uint8Array, Expected | undefined> {
    for (;;) {
      if (this.#failure !== undefined) throw this.#failure.error;
      const message = this.#inbox.shift();
      if (message === undefined) await this.#woken();
      else if (message.kind === 'failed') throw reviveThreadError(message.error);
      else if (message.kind === 'done') {
        this.finished = true;
        return message.blob;
      } else if (message.kind === 'output') {
        yield message.bytes;
        this.#giveBack(message.bytes);
      }
    }
  }

  #arrived(message: FromThread): void {
    if (message.kind === 'want') {
      this.#wanted++;
      void this.#feed();
    } else {
      this.#inbox.push(message);
      this.#wake();
    }
  }

  /** Answers what is wanted; one at a time, since a source is asked for one chunk at a time. */
  async #feed(): Promise<void> {
    if (this.#feeding) return;
    this.#feeding = true;
    try {
      for (; this.#wanted > 0; this.#wanted--) {
        const next = await this.#source.next();
        if (next.done === true) {
          this.#post({ kind: 'end' });
          return; // and stay feeding: nothing more can be asked for
        }
        const bytes = transferable(next.value);
        this.#post({ kind: 'input', bytes }, [bytes.buffer]);
      }
      this.#feeding = false;
    } catch (error) {
      this.#fail(error);
    }
  }

  #giveBack({ buffer }: Uint8Array): void {
    const whole = buffer instanceof ArrayBuffer && !buffer.detached;
    this.#post({ kind: 'credit', ...(whole && { buffer }) }, whole ? [buffer] : []);
  }

  #fail(error: unknown): void {
    this.#failure ??= { error };
    this.#wake();
  }

  #woken(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  #post(message: ToThread, transfer: ArrayBuffer[] = []): void {
    this.#worker.postMessage(message, transfer);
  }
}

/** The bytes in an ArrayBuffer of their own: a source keeps what it yields no longer, but others may lie beside it. */
function transferable(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const alone = bytes.byteLength === bytes.buffer.byteLength && bytes.buffer instanceof ArrayBuffer && !bytes.buffer.resizable;
  return alone ? (bytes as Uint8Array<ArrayBuffer>) : Uint8Array.from(bytes);
}

/** A chunk is used up before the next one but one is made. */
function twoInTurn(): (size: number) => Uint8Array<ArrayBuffer> {
  const buffers: Uint8Array<ArrayBuffer>[] = [];
  let turn = 0;
  return (size) => {
    turn = 1 - turn;
    const buffer = buffers[turn];
    if (buffer !== undefined && buffer.byteLength >= size) return buffer;
    return (buffers[turn] = new Uint8Array(size));
  };
}

import type { Allocate } from '@cfskit/compression';
import { describeError, TransferredError } from '@cfskit/linux';
import type { PlainError } from '@cfskit/linux';
import type { MessagePort } from 'node:worker_threads';

/** Chunks that may be under way to a receiver. Each is at most about a MiB, so a channel holds a few MiB. */
const WINDOW = 4;

type Downstream =
  | { readonly kind: 'chunk'; readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly kind: 'end' }
  | { readonly kind: 'fail'; readonly error: PlainError };
/** One more chunk may come, and its buffer, if it can be used again; or no more chunks at all. */
type Upstream = { readonly kind: 'credit'; readonly buffer?: ArrayBuffer } | { readonly kind: 'cancel' };

/** The receiver wants no more: its own failure is reported elsewhere, the sender just stops. */
export class ChannelCancelled extends Error {
  static {
    this.prototype.name = 'ChannelCancelled';
  }
}

/**
 * The writing end of a byte channel between threads: whole chunks are handed over, never copied, and at most
 * `WINDOW` of them are under way, so a fast writer waits for a slow reader. Their buffers come back and are used again:
 * fresh memory costs as much as decompressing into it (docs/decisions/import-pipeline.md).
 */
class ChunkSender {
  readonly #port: MessagePort;
  readonly #free: ArrayBuffer[] = [];
  #credits: number = WINDOW;
  #closed = false;
  #wake: () => void = () => undefined;

  constructor(port: MessagePort) {
    this.#port = port;
    port.on('message', (message: Upstream) => this.#answered(message));
    port.on('close', () => this.#close());
  }

  /** Memory for a chunk: a buffer that came back, or a new one, which is not cleared. */
  allocate(size: number): Uint8Array<ArrayBuffer> {
    const buffer = this.#free.pop();
    if (buffer !== undefined && buffer.byteLength >= size) return new Uint8Array(buffer);
    return new Uint8Array(Buffer.allocUnsafeSlow(size).buffer); // not from Node's pool, which cannot be handed over
  }

  /** Hands the chunk over, and the memory it lies in: the caller must touch neither again. @throws {ChannelCancelled} */
  async write(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    while (this.#credits === 0 && !this.#closed) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    if (this.#closed) throw new ChannelCancelled('the receiver stopped reading');
    this.#credits--;
    this.#post({ kind: 'chunk', bytes }, [bytes.buffer]);
  }

  end(): void {
    this.#post({ kind: 'end' });
  }

  /** Ends the channel with an error, which overtakes the chunks that were not read yet. */
  fail(error: unknown): void {
    this.#post({ kind: 'fail', error: describeError(error) });
  }

  #answered(message: Upstream): void {
    if (message.kind === 'cancel') this.#close();
    else {
      this.#credits++;
      if (message.buffer !== undefined) this.#keep(message.buffer);
    }
    this.#wake();
  }

  /** What is not needed is released at once: left to the collector, a few dozen MiB make it run. */
  #keep(buffer: ArrayBuffer): void {
    if (this.#free.length < WINDOW) this.#free.push(buffer);
    else buffer.transfer(0);
  }

  #close(): void {
    this.#closed = true;
    this.#port.close();
    this.#wake();
  }

  #post(message: Downstream, transfer: ArrayBuffer[] = []): void {
    if (!this.#closed) this.#port.postMessage(message, transfer);
  }
}

/**
 * Sends a whole stream, made in memory that the channel gives, and ends the channel with it. An abort reaches the reader
 * at once, even while the stream waits for its source.
 *
 * @throws {ChannelCancelled} when the reader wants no more; what the stream throws; the signal's reason
 */
export async function feedChannel(
  makeStream: (allocate: Allocate) => AsyncIterable<Uint8Array<ArrayBuffer>>,
  port: MessagePort,
  signal?: AbortSignal,
): Promise<void> {
  const sender = new ChunkSender(port);
  const stop = (): void => sender.fail(signal?.reason);
  signal?.addEventListener('abort', stop, { once: true });
  try {
    for await (const chunk of makeStream((size) => sender.allocate(size))) {
      signal?.throwIfAborted();
      await sender.write(chunk);
    }
    sender.end();
  } catch (error) {
    sender.fail(error);
    throw error;
  } finally {
    signal?.removeEventListener('abort', stop);
  }
}

/**
 * The reading end. A chunk is the reader's until it has got the next one, as decoders need it, unless the reader hands
 * its memory on. Leaving the loop early cancels the writer; an error of the writer is thrown here at once, in front of chunks that are
 * still queued.
 */
export async function* receiveChunks(port: MessagePort): AsyncGenerator<Uint8Array<ArrayBuffer>, void> {
  const inbox = new Inbox(port);
  let previous: ArrayBuffer | undefined;
  try {
    for (;;) {
      const message = await inbox.next();
      if (message.kind === 'end') return;
      if (message.kind === 'fail') throw new TransferredError(message.error);
      yield message.bytes;
      giveBack(port, previous);
      previous = message.bytes.buffer;
    }
  } finally {
    port.postMessage({ kind: 'cancel' } satisfies Upstream);
    port.close();
  }
}

function giveBack(port: MessagePort, buffer: ArrayBuffer | undefined): void {
  if (buffer === undefined || buffer.detached) port.postMessage({ kind: 'credit' } satisfies Upstream);
  else port.postMessage({ kind: 'credit', buffer } satisfies Upstream, [buffer]);
}

class Inbox {
  readonly #messages: Downstream[] = [];
  #closed = false;
  #wake: () => void = () => undefined;

  constructor(port: MessagePort) {
    port.on('message', (message: Downstream) => this.#arrived(message));
    port.on('close', () => this.#close());
  }

  async next(): Promise<Downstream> {
    for (;;) {
      const message = this.#messages.shift();
      if (message !== undefined) return message;
      if (this.#closed) throw new ChannelCancelled('the sender went away');
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  #arrived(message: Downstream): void {
    if (message.kind === 'fail') this.#messages.length = 0;
    this.#messages.push(message);
    this.#wake();
  }

  #close(): void {
    this.#closed = true;
    this.#wake();
  }
}

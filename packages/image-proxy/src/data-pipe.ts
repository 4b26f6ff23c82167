import { closeDescriptor } from '@cfskit/linux';
import { Socket, type SocketConstructorOpts } from 'node:net';
import { ImageProxyError } from './errors.ts';
import { ignore } from './waiting.ts';

/** A received read end: a descriptor, or a handle of Node's own. */
export type PipeEnd = { readonly fd: number } | { readonly handle: object };

/** How long to wait for bytes, and who may end the waiting. */
export interface Patience {
  readonly signal: AbortSignal | undefined;
  /** Without a byte for so long, reading fails; `Infinity` if it never does. */
  readonly stallMs: number;
}

const BLOCK = 512 * 1024;

/** Blocks that are read ahead of the consumer. */
const READ_AHEAD = 2;

/** Who waits gets no less, except at the end, or when bytes come so slowly that there should be something to see. */
const ENOUGH = 256 * 1024;
const SLOW_MS = 100;

/**
 * The read end of a pipe that the proxy passed to us. The event loop reads it: a read in the thread pool would hold its thread until the proxy
 * has something, and a few of them would stop every file operation of the process.
 *
 * Each chunk has memory of its own.
 */
export class DataPipe {
  readonly #socket: Socket;
  readonly #chunks: Uint8Array[] = [];
  #block: Uint8Array = new Uint8Array(0);
  #filled = 0;
  #since = 0;
  #size = 0;
  #expected = Infinity;
  #lastByte = 0;
  #state: 'open' | 'ended' | Error = 'open';
  #wake: () => void = ignore;

  /** @throws {ImageProxyError} PROTOCOL if it is no pipe; it is closed then */
  constructor(end: PipeEnd) {
    const onread = { buffer: () => this.#room(), callback: (count: number) => this.#take(count) };
    this.#socket = openSocket(end, { readable: true, writable: false, onread });
    this.#socket.on('error', (error) => this.#end(error));
    this.#socket.on('end', () => this.#end('ended'));
    this.#socket.on('close', () => this.#end('ended'));
  }

  /** Bytes that have arrived, read or not. */
  get size(): number {
    return this.#size;
  }

  /** How many bytes are to come: then the last ones do not wait for the end, which the proxy keeps back. */
  expect(size: number): void {
    this.#expected = size;
  }

  /**
   * The next chunk; undefined at the end, or after `close`.
   *
   * @throws {ImageProxyError} STALLED; the signal's reason; what the system says of the pipe
   */
  async read(patience: Patience): Promise<Uint8Array | undefined> {
    for (;;) {
      patience.signal?.throwIfAborted();
      const chunk = this.#chunks.shift();
      if (chunk !== undefined) {
        if (this.#chunks.length < READ_AHEAD) this.#socket.resume();
        return chunk;
      }
      if (this.#state === 'ended') return undefined;
      if (this.#state !== 'open') throw this.#state;
      await this.#activity(patience);
    }
  }

  /** Close our end: the proxy's next write fails. */
  close(): void {
    this.#chunks.length = 0;
    this.#end('ended');
    this.#socket.destroy();
  }

  get #isAwaited(): boolean {
    return this.#wake !== ignore;
  }

  /** Node asks here where the next bytes shall go. */
  #room(): Uint8Array {
    if (this.#filled === this.#block.byteLength) {
      this.#block = new Uint8Array(Buffer.allocUnsafeSlow(BLOCK).buffer); // zeroing it would cost as much as reading
      this.#filled = 0;
    }
    return this.#block.subarray(this.#filled);
  }

  /** Bytes have been put there. The answer is whether there may be more. */
  #take(count: number): boolean {
    const now = performance.now();
    if (this.#filled === 0) this.#since = now;
    this.#filled += count;
    this.#size += count;
    this.#lastByte = now;
    if (this.#filled === this.#block.byteLength || this.#size >= this.#expected) this.#flush();
    else if (this.#isAwaited && (this.#filled >= ENOUGH || now - this.#since >= SLOW_MS)) this.#flush();
    return this.#chunks.length < READ_AHEAD;
  }

  #flush(): void {
    if (this.#filled === 0) return;
    const bytes = this.#block.subarray(0, this.#filled);
    // A block that is nearly empty is kept, for what came slowly comes in small pieces.
    if (this.#filled < ENOUGH) this.#chunks.push(bytes.slice());
    else {
      this.#chunks.push(bytes);
      this.#block = new Uint8Array(0);
    }
    this.#filled = 0;
    this.#wake();
  }

  #end(state: 'ended' | Error): void {
    if (this.#state !== 'open') return;
    this.#flush();
    this.#state = state;
    this.#wake();
  }

  /** Resolves when there is something to see. The time that the consumer took itself does not count as a stall. */
  async #activity({ signal, stallMs }: Patience): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#lastByte = Math.max(this.#lastByte, performance.now());
    const abort = (): void => reject(signal?.reason as Error);
    const check = (): void => {
      const left = this.#lastByte + stallMs - performance.now();
      if (left > 0) timer = setTimeout(check, left);
      else reject(new ImageProxyError('STALLED', `nothing came for ${stallMs / 1000} s`, { retryable: true }));
    };
    let timer = stallMs === Infinity ? undefined : setTimeout(check, stallMs);
    this.#wake = resolve;
    signal?.addEventListener('abort', abort, { once: true });
    try {
      await promise;
    } finally {
      this.#wake = ignore;
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
    }
  }
}

/** Node's types do not know `handle`, which is how it opens what its own handles have accepted. */
function openSocket(end: PipeEnd, options: SocketConstructorOpts): Socket {
  try {
    return new Socket({ ...options, ...end } as SocketConstructorOpts);
  } catch (cause) {
    if ('fd' in end) closeDescriptor(end.fd);
    throw new ImageProxyError('PROTOCOL', 'wanted a pipe of skopeo, found another kind of descriptor', { cause });
  }
}

import { describeEnd, type Child, type ChildEnd } from './child.ts';
import { ImageProxyError } from './errors.ts';
import { METHODS, type Argument, type Method } from './methods.ts';
import { parseReply, replyError, type Reply } from './reply.ts';
import type { DataPipe } from './data-pipe.ts';
import { Turns } from './turns.ts';
import { ignore, within } from './waiting.ts';
import type { RawReply, Wire } from './wire.ts';

/** What a method gave. */
export interface Answer {
  readonly value: unknown;
  readonly pipeId: number;
  /** As many as the method has. The caller closes them. */
  readonly pipes: readonly DataPipe[];
}

/** How a call is made. */
export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
  /** Without an answer for so long, the proxy is ended. */
  readonly stallMs: number;
}

/** A conversation with one proxy process. */
export interface ProxyChannel {
  /**
   * Call a method. Calls are made one at a time, in the order of asking; aborting one lets its answer be thrown away.
   *
   * @throws {ImageProxyError} REFUSED if the proxy answers with an error; PROXY_DIED, STALLED, PROTOCOL, after which the proxy has ended;
   *   REQUEST_TOO_LARGE; CLOSED; the signal's reason
   */
  call(method: Method, args: readonly Argument[], options: CallOptions): Promise<Answer>;
  /** Whether another call makes sense: the proxy has not ended, and is not being ended. */
  readonly isUsable: boolean;
  /** Resolves when the proxy has ended. */
  readonly ended: Promise<ChildEnd>;
  /** End the proxy at once. */
  kill(): void;
  /** Let the proxy end, and after a moment make it. Never rejects; a second call does nothing more. */
  close(): Promise<ChildEnd>;
}

/** What the proxy may take to clean up. The program that uses us has 1.5 s itself. */
const CLOSE_MS = 500;

/** A proxy whose socket has ended is about to end itself. */
const DEATH_MS = 500;

/** The channel over any wire. */
export class Channel implements ProxyChannel {
  readonly #wire: Wire;
  readonly #child: Child;
  readonly #turns = new Turns();
  #closed: Promise<ChildEnd> | undefined;
  #isKilled = false;

  constructor(wire: Wire) {
    this.#wire = wire;
    this.#child = wire.child;
  }

  get isUsable(): boolean {
    return this.#child.end === undefined && !this.#isKilled && this.#closed === undefined;
  }

  get ended(): Promise<ChildEnd> {
    return this.#child.ended;
  }

  call(method: Method, args: readonly Argument[], options: CallOptions): Promise<Answer> {
    const { signal, stallMs } = options;
    return this.#turns.take(
      signal,
      () => this.#call(method, args, stallMs),
      (answer) => this.#discard(answer, stallMs),
    );
  }

  kill(): void {
    this.#isKilled = true;
    this.#child.kill();
  }

  close(): Promise<ChildEnd> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<ChildEnd> {
    // A proxy that is told to end cleans up; one that is at work sees the end of its socket after that.
    if (this.#turns.isIdle && this.#child.end === undefined) await within(this.#wire.send({ method: 'Shutdown', args: [] }), CLOSE_MS);
    else await this.#wire.close();
    const end = await within(this.ended, CLOSE_MS);
    if (end === undefined) this.kill();
    await this.#wire.close();
    return this.ended;
  }

  async #call(method: Method, args: readonly Argument[], stallMs: number): Promise<Answer> {
    if (this.#closed !== undefined) throw new ImageProxyError('CLOSED', 'the proxy has been closed');
    const raw = await this.#exchange(method, args, stallMs);
    try {
      return this.#check(method, raw);
    } catch (error) {
      closeAll(raw.pipes);
      if (!(error instanceof ImageProxyError) || error.code !== 'REFUSED') this.kill();
      throw error;
    }
  }

  #check(method: Method, { bytes, pipes }: RawReply): Answer {
    const reply: Reply = parseReply(bytes);
    if (!reply.success) throw replyError(reply);
    const shape = METHODS[method];
    if (pipes.length !== shape.pipes || shape.finished !== reply.pipeId > 0) {
      const message = `wanted ${shape.pipes} descriptors from ${method}, found ${pipes.length} and the pipe id ${reply.pipeId}`;
      throw new ImageProxyError('PROTOCOL', message);
    }
    return { value: reply.value, pipeId: reply.pipeId, pipes };
  }

  /** Whatever ends this without an answer leaves the conversation in disorder: the proxy is ended then. */
  async #exchange(method: Method, args: readonly Argument[], stallMs: number): Promise<RawReply> {
    const exchange = this.#wire.exchange({ method, args }, METHODS[method]).then((raw) => raw ?? 'gone');
    const death = this.ended.then((): 'gone' => 'gone');
    const outcome = await within(Promise.race([exchange, death]), stallMs).catch((error: unknown) => this.#endedBy(error));
    if (typeof outcome === 'object') return outcome;
    exchange.then((late) => late !== 'gone' && closeAll(late.pipes), ignore);
    if (outcome === 'gone') throw await this.#gone();
    this.kill();
    throw new ImageProxyError('STALLED', `skopeo did not answer ${method} for ${stallMs / 1000} s`, { retryable: true });
  }

  #endedBy(error: unknown): never {
    if (!(error instanceof ImageProxyError) || error.code !== 'REQUEST_TOO_LARGE') this.kill();
    throw error;
  }

  async #gone(): Promise<ImageProxyError> {
    if (this.#closed !== undefined) return new ImageProxyError('CLOSED', 'the proxy has been closed');
    const end = await within(this.ended, DEATH_MS);
    this.kill();
    return proxyDied(end);
  }

  /** The answer to a call that was given up: what it opened at the proxy must not stay there. */
  async #discard({ pipes, pipeId }: Answer, stallMs: number): Promise<void> {
    closeAll(pipes);
    if (pipeId > 0) await this.#exchange('FinishPipe', [pipeId], stallMs).catch(ignore);
  }
}

/** The error for a proxy that ended, or closed its socket, while it was needed. A new one may do better. */
export function proxyDied(end: ChildEnd | undefined): ImageProxyError {
  const how = end === undefined ? 'closed its socket' : describeEnd(end);
  return new ImageProxyError('PROXY_DIED', `skopeo's image proxy ${how}`, { retryable: true });
}

function closeAll(pipes: readonly DataPipe[]): void {
  for (const pipe of pipes) pipe.close();
}

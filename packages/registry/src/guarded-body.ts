import type { Clock } from './clock.ts';
import { RegistryError } from './errors.ts';
import { publicUrl } from './foreign-text.ts';

/** What watches over a body. */
export interface BodyGuard {
  readonly url: URL;
  /** Longest time to wait for {@link WANTED} bytes. */
  readonly idleMs: number;
  readonly clock: Clock;
  /** Turns an error of the connection into one that says where. */
  readonly toError: (error: unknown) => unknown;
}

/** A server that gives less than this in the time in which it must not be silent is as good as silent. */
const WANTED = 64 * 1024;

/**
 * A body whose errors say where they happened, and which does not trickle for ever: time spent waiting for the server, and not with
 * the consumer, is counted against what came.
 *
 * @throws {RegistryError} TIMEOUT, CONNECTION, TLS
 */
export async function* guardedBody(source: AsyncIterable<Uint8Array>, guard: BodyGuard): AsyncGenerator<Uint8Array, void> {
  const pace = new Pace(guard);
  const pieces = source[Symbol.asyncIterator]();
  try {
    for (;;) {
      const start = guard.clock.now();
      const piece = await nextPiece(pieces, guard);
      if (piece.done === true) return;
      pace.add(piece.value.byteLength, guard.clock.now() - start);
      if (piece.value.byteLength > 0) yield piece.value;
    }
  } finally {
    await pieces.return?.();
  }
}

async function nextPiece(pieces: AsyncIterator<Uint8Array>, { toError }: BodyGuard): Promise<IteratorResult<Uint8Array, unknown>> {
  try {
    return await pieces.next();
  } catch (error) {
    throw toError(error);
  }
}

class Pace {
  readonly #guard: BodyGuard;
  #bytes = 0;
  #waited = 0;

  constructor(guard: BodyGuard) {
    this.#guard = guard;
  }

  add(bytes: number, waited: number): void {
    this.#bytes += bytes;
    this.#waited += waited;
    if (this.#bytes >= WANTED) {
      this.#bytes = 0;
      this.#waited = 0;
    }
    const { idleMs, url } = this.#guard;
    if (this.#waited <= idleMs) return;
    const message = `GET ${publicUrl(url)}: ${this.#bytes} bytes in ${Math.round(this.#waited / 1000)} s, which is too slow`;
    throw new RegistryError('TIMEOUT', message, { registry: url.host, url: publicUrl(url) });
  }
}

import { setImmediate as nextTurn } from 'node:timers/promises';

/** How long work may keep the thread to itself. */
const SLICE_MS = 10;

/** Lets the event loop turn during work that waits for nothing: otherwise no signal would arrive, and nothing else would get on. */
export class Turns {
  readonly #signal: AbortSignal | undefined;
  #since: number = performance.now();

  constructor(signal: AbortSignal | undefined) {
    this.#signal = signal;
  }

  /** Whether it is time for one. */
  get due(): boolean {
    return performance.now() - this.#since > SLICE_MS;
  }

  /** A turn, if it is time for one. @throws the signal's reason */
  async take(): Promise<void> {
    if (this.due) {
      await nextTurn();
      this.#since = performance.now();
    }
    this.#signal?.throwIfAborted();
  }
}

import { setImmediate as nextTurn } from 'node:timers/promises';

/** How long a loop may keep the thread to itself, in milliseconds. */
const SLICE_MS = 10;

/**
 * Lets the event loop turn now and then inside a loop that only waits for what is already there: decoding a small file
 * that never ends would otherwise keep signals, timers and messages out for ever.
 */
export class Breather {
  #since: number = performance.now();

  async breathe(): Promise<void> {
    if (performance.now() - this.#since < SLICE_MS) return;
    await nextTurn();
    this.#since = performance.now();
  }
}

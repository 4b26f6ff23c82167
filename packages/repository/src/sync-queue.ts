/**
 * One sync for everybody who asks while another one is running.
 *
 * A sync that has already begun does not count: what the caller wrote may have come too late for it. So whoever comes during one waits for
 * the next, together with all others that do.
 */
export class SyncQueue {
  readonly #sync: () => Promise<void>;
  #running: Promise<void> | undefined;
  #next: Promise<void> | undefined;

  constructor(sync: () => Promise<void>) {
    this.#sync = sync;
  }

  /** Resolves when everything that was written before this call is on disk. */
  request(): Promise<void> {
    if (this.#running === undefined) return this.#start();
    this.#next ??= this.#afterRunning(this.#running);
    return this.#next;
  }

  #start(): Promise<void> {
    const running = this.#sync().finally(() => {
      if (this.#running === running) this.#running = undefined;
    });
    this.#running = running;
    return running;
  }

  async #afterRunning(running: Promise<void>): Promise<void> {
    await running.catch(() => undefined); // whose failure it is has been told
    this.#next = undefined;
    return this.#start();
  }
}

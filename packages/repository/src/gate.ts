import type { Patience } from './patience.ts';

/**
 * Lock inside one process, for what an flock cannot tell apart: the users of one repository handle.
 *
 * Any number may be inside as `shared`, or one as `exclusive`. A shared entry never waits for an exclusive one that is itself only waiting,
 * so whoever is inside may enter again.
 */
export class Gate {
  #shared = 0;
  #exclusive = false;
  /** Settled and replaced at every leaving. */
  #change: PromiseWithResolvers<void> = Promise.withResolvers();

  /**
   * Wait until there is room, and enter.
   *
   * @returns the way out, to be called once; undefined when the patience is at its end
   * @throws the signal's reason when aborted
   */
  async enter(mode: 'exclusive' | 'shared', patience: Patience): Promise<(() => void) | undefined> {
    patience.signal?.throwIfAborted();
    if (!this.#tryEnter(mode) && !(await patience.during(this.#waitAndEnter(mode, patience)))) return undefined;
    return () => this.#leave(mode);
  }

  #tryEnter(mode: 'exclusive' | 'shared'): boolean {
    if (this.#exclusive || (mode === 'exclusive' && this.#shared > 0)) return false;
    if (mode === 'exclusive') this.#exclusive = true;
    else this.#shared++;
    return true;
  }

  /** Looking and entering are one step: several may be woken by one leaving. */
  async #waitAndEnter(mode: 'exclusive' | 'shared', { leftMs, signal }: Patience): Promise<boolean> {
    const end = Promise.withResolvers<'aborted' | 'timeout'>();
    const timer = leftMs === Infinity ? undefined : setTimeout(() => end.resolve('timeout'), leftMs);
    const abort = (): void => end.resolve('aborted');
    signal?.addEventListener('abort', abort, { once: true });
    try {
      for (;;) {
        const outcome = await Promise.race([this.#change.promise, end.promise]);
        signal?.throwIfAborted();
        if (this.#tryEnter(mode)) return true;
        if (outcome === 'timeout') return false;
      }
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
    }
  }

  #leave(mode: 'exclusive' | 'shared'): void {
    if (mode === 'exclusive') this.#exclusive = false;
    else this.#shared--;
    this.#change.resolve();
    this.#change = Promise.withResolvers();
  }
}

import { abortable, ignore } from './waiting.ts';

/** Lets one piece of work run at a time, in the order of asking. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  /** Whether nobody is at work or waiting. */
  get isIdle(): boolean {
    return this.#waiting === 0;
  }

  /**
   * Do `work` when it is its turn. Aborting takes it out of the queue; once it has begun, `work` runs to its end and only its caller stops waiting.
   *
   * @param leftover what to do with a result that nobody waits for any more; the next turn comes after that
   */
  async take<T>(signal: AbortSignal | undefined, work: () => Promise<T>, leftover: (result: T) => Promise<void>): Promise<T> {
    signal?.throwIfAborted();
    let wanted = true;
    this.#waiting++;
    const done = this.#last.then(async () => {
      if (!wanted) return undefined;
      const result = await work();
      if (!wanted) await leftover(result);
      return { result };
    });
    this.#last = done.catch(ignore).finally(() => this.#waiting--);
    try {
      const outcome = await abortable(done, signal);
      return outcome!.result;
    } catch (error) {
      wanted = false;
      throw error;
    }
  }
}

import { ImageProxyError } from './errors.ts';
import { sleep } from './waiting.ts';

/** How often, and after what time, something is tried again. */
export interface RetryPolicy {
  /** Tries in all; 3 if not said. */
  readonly attempts?: number;
  /** Before the second try; twice as long before each further one. 1000 if not said. */
  readonly baseDelayMs?: number;
}

/** What {@link Retries} needs besides. */
export interface RetryContext {
  readonly policy: RetryPolicy;
  readonly onWarning: (text: string) => void;
  readonly signal: AbortSignal | undefined;
}

/** Counts the tries of one operation and waits between them. */
export class Retries {
  readonly #context: RetryContext;
  #failures = 0;

  constructor(context: RetryContext) {
    this.#context = context;
  }

  /** Wait before the next try. Throws `error` itself when it is final or was one too many. */
  async after(error: unknown): Promise<void> {
    const { policy, onWarning, signal } = this.#context;
    signal?.throwIfAborted();
    const attempts = policy.attempts ?? 3;
    if (!(error instanceof ImageProxyError) || !error.retryable || ++this.#failures >= attempts) throw error;
    const ms = this.#delay(error);
    const when = ms === 0 ? 'at once' : `in ${(ms / 1000).toFixed(1)} s`;
    onWarning(`${error.message}; trying again ${when} (${this.#failures + 1} of ${attempts})`);
    await sleep(ms, signal);
  }

  /** Nobody is spared by waiting before a proxy that has died is started again. */
  #delay({ code }: ImageProxyError): number {
    if (code === 'PROXY_DIED') return 0;
    return (this.#context.policy.baseDelayMs ?? 1000) * 2 ** (this.#failures - 1) * (0.5 + Math.random() / 2);
  }
}

/** Do `work` until it succeeds, fails for good, or has failed too often. */
export async function withRetries<T>(context: RetryContext, work: () => Promise<T>): Promise<T> {
  const retries = new Retries(context);
  for (;;) {
    try {
      return await work();
    } catch (error) {
      await retries.after(error);
    }
  }
}

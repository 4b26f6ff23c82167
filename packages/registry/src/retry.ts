import type { Clock } from './clock.ts';
import { RegistryError } from './errors.ts';

/** How often, and after what time, a request is sent again. */
export interface RetryPolicy {
  /** Tries in all; 5 if not said. */
  readonly attempts?: number;
  /** Before the second try; twice as long before each further one. 500 if not said. */
  readonly baseDelayMs?: number;
  /** Longest wait, also when the registry asks for more; 60 seconds if not said. */
  readonly maxDelayMs?: number;
}

/** What {@link Retries} needs of a client. */
export interface RetryContext {
  readonly policy: RetryPolicy;
  readonly clock: Clock;
  /** From 0 to 1, to spread clients that were all cut off at once. */
  readonly random: () => number;
  readonly onWarning: (text: string) => void;
}

const RETRIED_STATUSES: ReadonlySet<number> = new Set([408, 429, 500, 502, 503, 504]);

/** So much must have come through before a failure counts as the first one again. */
const PROGRESS = 1024 * 1024;

/** Counts the tries of one operation and waits between them. */
export class Retries {
  readonly #context: RetryContext;
  readonly #signal: AbortSignal | undefined;
  #failures = 0;
  #bytes = 0;

  constructor(context: RetryContext, signal: AbortSignal | undefined) {
    this.#context = context;
    this.#signal = signal;
  }

  /** Bytes came through. After a mebibyte the count starts anew, so that a long download survives more than four cuts, but not endless ones. */
  progress(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes < PROGRESS) return;
    this.#bytes = 0;
    this.#failures = 0;
  }

  /** Wait before the next try. Throws `error` itself when it is final or was one too many. */
  async after(error: unknown): Promise<void> {
    this.#signal?.throwIfAborted();
    const { policy, clock, onWarning } = this.#context;
    const attempts = policy.attempts ?? 5;
    if (!(error instanceof RegistryError) || !isTransient(error) || ++this.#failures >= attempts) throw error;
    const ms = this.#delay(error.retryAfterMs);
    onWarning(`${error.message}; trying again in ${(ms / 1000).toFixed(1)} s (${this.#failures + 1} of ${attempts})`);
    await clock.sleep(ms, this.#signal);
  }

  #delay(asked: number | undefined): number {
    const { policy, random } = this.#context;
    const max = policy.maxDelayMs ?? 60_000;
    if (asked !== undefined) return Math.min(asked, max);
    const full = (policy.baseDelayMs ?? 500) * 2 ** (this.#failures - 1);
    return Math.min(full, max) * (0.5 + random() / 2);
  }
}

/** Run `work` until it succeeds, fails for good, or has failed too often. */
export async function withRetries<T>(context: RetryContext, signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
  const retries = new Retries(context, signal);
  for (;;) {
    try {
      return await work();
    } catch (error) {
      await retries.after(error);
    }
  }
}

/** Whether the same request may succeed a little later. */
export function isTransient(error: RegistryError): boolean {
  if (error.code === 'UPLOAD_LOST') return true; // by beginning it again
  if (error.status !== undefined) return RETRIED_STATUSES.has(error.status);
  return error.code === 'CONNECTION' || error.code === 'TIMEOUT';
}

/**
 * `Retry-After`: seconds, or a date. Undefined for what is neither, or lies in the past.
 *
 * @see {@link https://www.rfc-editor.org/rfc/rfc9110#name-retry-after}
 */
export function parseRetryAfter(value: string | undefined, now: number): number | undefined {
  if (value === undefined) return undefined;
  if (/^[0-9]+$/.test(value)) return Number(value) * 1000;
  const date = /^[A-Z][a-z]{2,8},? /.test(value) ? Date.parse(value) : Number.NaN;
  return date > now ? date - now : undefined;
}

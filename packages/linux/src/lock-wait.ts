import { pause } from './pause.ts';

/** How long a lock is waited for. */
export interface FlockAsyncOptions {
  /** Give up after this time; without it, wait as long as it takes. 0 tries once. */
  readonly timeoutMs?: number | undefined;
  /** Called once, when the lock is not free at the first try. */
  readonly onWait?: (() => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Ask for a lock again after 1, 2, 4, … 50 ms, until it is granted or `timeoutMs` is over. */
export async function waitForLock(tryLock: () => boolean, { timeoutMs = Infinity, onWait, signal }: FlockAsyncOptions): Promise<boolean> {
  signal?.throwIfAborted();
  if (tryLock()) return true;
  const end = performance.now() + timeoutMs;
  if (timeoutMs > 0) onWait?.();
  for (let pauseMs = 1; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
    const leftMs = end - performance.now();
    if (leftMs <= 0) return false;
    await pause(Math.min(pauseMs, leftMs), signal);
    if (tryLock()) return true;
  }
}

const LONGEST_PAUSE_MS = 50;

import { setTimeout as sleep } from 'node:timers/promises';

/** Wait. When aborted it rejects with the signal's own reason, as `throwIfAborted` does; the timer's error would only carry it as its cause. */
export async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await sleep(ms, undefined, signal === undefined ? {} : { signal });
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  }
}

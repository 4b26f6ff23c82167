/**
 * Do `work` for each item, a few at a time, begun in their order. The first failure ends all: the signal that `work` gets is aborted, and
 * when everything has come to rest that failure is thrown.
 */
export async function forEachLimited<T>(
  items: readonly T[],
  jobs: number,
  outer: AbortSignal | undefined,
  work: (item: T, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const failed = new AbortController();
  const signal = outer === undefined ? failed.signal : AbortSignal.any([outer, failed.signal]);
  const queue = items.values();
  const run = async (): Promise<void> => {
    for (const item of queue) {
      signal.throwIfAborted();
      try {
        await work(item, signal);
      } catch (error) {
        if (!failed.signal.aborted) failed.abort(error);
        throw error;
      }
    }
  };
  const workers = Array.from({ length: Math.max(1, Math.min(jobs, items.length)) }, run);
  await Promise.allSettled(workers);
  outer?.throwIfAborted();
  failed.signal.throwIfAborted();
}

/**
 * Do `work` for each item, at most `jobs` at a time. At the first failure the others are aborted and waited for; that failure is what is thrown.
 */
export async function forEachLimited<T>(
  items: readonly T[],
  jobs: number,
  signal: AbortSignal | undefined,
  work: (item: T, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const controller = new AbortController();
  const shared = signal === undefined ? controller.signal : AbortSignal.any([signal, controller.signal]);
  const queue = items.values();
  let failure: { readonly error: unknown } | undefined;
  const worker = async (): Promise<void> => {
    for (const item of queue) {
      if (shared.aborted) return;
      try {
        await work(item, shared);
      } catch (error) {
        failure ??= { error };
        controller.abort(error);
        return;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(jobs, items.length) }, worker));
  signal?.throwIfAborted();
  if (failure !== undefined) throw failure.error;
}

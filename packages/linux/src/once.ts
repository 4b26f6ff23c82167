/**
 * Compute a value at first use and keep it.
 *
 * Everything native is looked up this way: importing the package loads nothing, and a process asks the system only once.
 */
export function once<T>(compute: () => T): () => T {
  let kept: { readonly value: T } | undefined;
  return () => (kept ??= { value: compute() }).value;
}

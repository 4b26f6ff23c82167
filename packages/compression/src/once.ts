/** Compute at the first call and keep the result: libraries are looked for when they are needed, and once. */
export function once<T>(compute: () => T): () => T {
  let kept: { readonly value: T } | undefined;
  return () => (kept ??= { value: compute() }).value;
}

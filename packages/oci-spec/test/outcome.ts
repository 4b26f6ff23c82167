/** What `work` gives or throws, for properties of the kind "a value or a typed error, nothing else". */
export function outcome<T>(work: () => T): { readonly value: T } | { readonly error: unknown } {
  try {
    return { value: work() };
  } catch (error) {
    return { error };
  }
}

/** A list whose items are made one by one as they are asked for, so that a result of a million items never stands in memory as a whole. */
export async function* mapItems<T, U>(items: Iterable<T> | AsyncIterable<T>, make: (item: T) => U): AsyncGenerator<U, void> {
  for await (const item of items) yield make(item);
}

/** The bytes of a blob, in order. */
export type BlobSource = AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

/** The same as an async iterable. */
export async function* toAsync(source: BlobSource): AsyncGenerator<Uint8Array, void> {
  yield* source;
}

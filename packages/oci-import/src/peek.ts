import { concatBytes } from '@cfskit/binary';

/** The beginning of a stream, and the stream as if nobody had looked. */
export interface Peeked {
  /** the first bytes: more than `limit` of them, or all there are */
  readonly head: Uint8Array;
  /** bytes of the whole stream, if it is not longer than `limit` */
  readonly size: number | undefined;
  readonly all: AsyncIterable<Uint8Array>;
}

/** Reads until more than `limit` bytes are there or the stream ends. `all` must be read, or left, by the caller. */
export async function peek(source: AsyncIterable<Uint8Array>, limit: number): Promise<Peeked> {
  const iterator = source[Symbol.asyncIterator]();
  const chunks: Uint8Array[] = [];
  let total = 0;
  let ended = false;
  while (!ended && total <= limit) {
    const next = await iterator.next();
    if (next.done === true) ended = true;
    else {
      chunks.push(next.value);
      total += next.value.byteLength;
    }
  }
  return { head: concatBytes(chunks), size: ended ? total : undefined, all: resume(chunks, iterator, ended) };
}

async function* resume(
  chunks: readonly Uint8Array[],
  iterator: AsyncIterator<Uint8Array>,
  ended: boolean,
): AsyncGenerator<Uint8Array, void> {
  let finished = ended;
  try {
    yield* chunks;
    while (!finished) {
      const next = await iterator.next();
      if (next.done === true) finished = true;
      else yield next.value;
    }
  } finally {
    if (!finished) await iterator.return?.();
  }
}

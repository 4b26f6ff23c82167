import type { ObjectId } from '@cfskit/fs-verity';
import { SplitstreamError } from './errors.ts';
import type { Splitstream } from './reader.ts';

/**
 * The bytes that a splitstream stands for, objects put in their places.
 *
 * @param openObject gives an object's content; without it, a stream that refers to one is refused. That the content belongs to the id
 *   is for it to check.
 * @throws {SplitstreamError} UNEXPECTED_EXTERNAL; STREAM_TOO_LONG if it gets longer than the stream size; those of `chunks`
 */
export async function* readContent(
  stream: Splitstream,
  openObject?: (id: ObjectId) => AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  const size = new ContentSize(stream.streamSize);
  for await (const chunk of stream.chunks()) {
    if (chunk.kind === 'inline') {
      size.add(chunk.bytes.byteLength);
      yield chunk.bytes;
      continue;
    }
    if (openObject === undefined) throw new SplitstreamError('UNEXPECTED_EXTERNAL', 'Unexpected external reference in splitstream');
    for await (const bytes of openObject(chunk.objectId)) {
      size.add(bytes.byteLength);
      yield bytes;
    }
  }
}

class ContentSize {
  readonly #expected: number;
  #found = 0;

  constructor(expected: number) {
    this.#expected = expected;
  }

  add(size: number): void {
    this.#found += size;
    if (this.#found <= this.#expected) return;
    throw new SplitstreamError('STREAM_TOO_LONG', `Splitstream content is longer than its stream size of ${this.#expected} bytes`);
  }
}

import type { ObjectId } from '@cfskit/fs-verity';
import { SplitstreamError } from './errors.ts';
import type { IdList } from './id-table.ts';

/**
 * A piece of the content: bytes that are in the stream, or an object that stands for its own.
 *
 * A run of inline bytes arrives in one piece or several; `last` is set on the one that ends it. The bytes belong to the consumer.
 */
export type StreamChunk =
  | { readonly kind: 'inline'; readonly bytes: Uint8Array; readonly last: boolean }
  | { readonly kind: 'external'; readonly objectId: ObjectId };

const CHUNK_HEADER = 8;

/**
 * Cuts the decompressed stream section into chunks. It holds eight bytes, whatever lengths the input states.
 */
export class ChunkReader {
  readonly #objectRefs: IdList;
  /** Inline bytes that the stream size still allows. */
  #allowed: number;
  /** Bytes left of the current run. */
  #left = 0;
  /** A number that a block boundary cuts in two. */
  readonly #partial: Uint8Array<ArrayBuffer> = new Uint8Array(CHUNK_HEADER);
  #partialSize = 0;

  constructor(objectRefs: IdList, streamSize: number) {
    this.#objectRefs = objectRefs;
    this.#allowed = streamSize;
  }

  /** @throws {SplitstreamError} BAD_REFERENCE, INLINE_TOO_LARGE, STREAM_TOO_LONG */
  *push(block: Uint8Array): Generator<StreamChunk, void, undefined> {
    const view = new DataView(block.buffer, block.byteOffset, block.byteLength);
    let position = 0;
    while (position < block.byteLength) {
      if (this.#left > 0) {
        const bytes = block.subarray(position, position + this.#left);
        position += bytes.byteLength;
        this.#left -= bytes.byteLength;
        yield { kind: 'inline', bytes, last: this.#left === 0 };
      } else if (this.#partialSize === 0 && position + CHUNK_HEADER <= block.byteLength) {
        const chunk = this.#start(view, position);
        position += CHUNK_HEADER;
        if (chunk !== undefined) yield chunk;
      } else {
        this.#partial[this.#partialSize++] = block[position++] as number;
        const chunk = this.#partialSize === CHUNK_HEADER ? this.#startPartial() : undefined;
        if (chunk !== undefined) yield chunk;
      }
    }
  }

  /** @throws {SplitstreamError} UNEXPECTED_EOF */
  finish(): void {
    if (this.#left > 0 || this.#partialSize > 0) throw new SplitstreamError('UNEXPECTED_EOF', 'Unexpected EOF in splitstream');
  }

  #startPartial(): StreamChunk | undefined {
    this.#partialSize = 0;
    return this.#start(new DataView(this.#partial.buffer), 0);
  }

  /** @returns the chunk, if it is one without bytes of its own here */
  #start(view: DataView, at: number): StreamChunk | undefined {
    const high = view.getInt32(at + 4, true);
    const number = high * 2 ** 32 + view.getUint32(at, true);
    if (high >= 0) return { kind: 'external', objectId: this.#lookUp(number) };
    this.#startRun(-number);
    return undefined;
  }

  #startRun(length: number): void {
    if (length > Number.MAX_SAFE_INTEGER) throw new SplitstreamError('INLINE_TOO_LARGE', 'Splitstream inline section is too large');
    if (length > this.#allowed) {
      throw new SplitstreamError('STREAM_TOO_LONG', 'Splitstream holds more inline content than its stream size allows');
    }
    this.#allowed -= length;
    this.#left = length;
  }

  #lookUp(index: number): ObjectId {
    if (index < this.#objectRefs.count) return this.#objectRefs.at(index);
    const isExact = index <= Number.MAX_SAFE_INTEGER;
    throw new SplitstreamError('BAD_REFERENCE', `Splitstream external reference is ${isExact ? 'out of range' : 'too large'}`);
  }
}

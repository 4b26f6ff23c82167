import { incompleteRead, type Section } from './range.ts';

/** A splitstream file that can be read anywhere: an open file, or bytes in memory. Its own errors pass through untouched. */
export interface ByteSource {
  readonly size: number;
  /** The bytes from `start` to `end`, both within `size`. */
  read(start: number, end: number): Promise<Uint8Array> | Uint8Array;
}

/** Bytes of the compressed stream that are read at once. */
const PIECE_SIZE = 2 ** 18;

/** Bytes in memory as a source; what is one already stays as it is. */
export function byteSource(source: ByteSource | Uint8Array): ByteSource {
  if (!(source instanceof Uint8Array)) return source;
  return { size: source.byteLength, read: (start, end) => source.subarray(start, end) };
}

/** @throws {SplitstreamError} INCOMPLETE_READ if the source gives less than it has */
export async function readSection(source: ByteSource, { start, end }: Section): Promise<Uint8Array> {
  if (start === end) return new Uint8Array(0);
  const bytes = await source.read(start, end);
  if (bytes.byteLength !== end - start) throw incompleteRead();
  return bytes;
}

/** A section piece by piece. @throws {SplitstreamError} INCOMPLETE_READ */
export async function* streamSection(source: ByteSource, { start, end }: Section): AsyncGenerator<Uint8Array, void, undefined> {
  for (let position = start; position < end; position += PIECE_SIZE) {
    yield await readSection(source, { start: position, end: Math.min(position + PIECE_SIZE, end) });
  }
}

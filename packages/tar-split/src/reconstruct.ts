import { concatBytes } from '@cfskit/binary';
import type { TarChunk } from './chunk.ts';
import { TarSplitError } from './errors.ts';

/** Pieces are gathered until they come to this many bytes, so that a tar of small files does not arrive in single blocks. */
const PIECE = 256 * 1024;

/** How to rebuild a tar. */
export interface ReconstructOptions {
  /** Bytes that the tar must have in all, as the stream's header says. */
  readonly size?: number;
}

/**
 * Glue a stored tar together again: inline bytes as they are, and the whole content of each object.
 *
 * Yields the original tar byte for byte, in chunks that belong to the consumer; pieces of 256 KiB and more are passed on uncopied. Nothing
 * is verified but the size, if it is given: hash the result and compare it with the diff_id, or let `openObject` verify what it opens.
 *
 * @param openObject content of the object with this id, from its start
 * @throws {TarSplitError} SIZE_MISMATCH before a chunk that goes beyond `size`, or at the end if the total stays below it
 */
export async function* reconstruct(
  chunks: AsyncIterable<TarChunk> | Iterable<TarChunk>,
  openObject: (objectId: string) => AsyncIterable<Uint8Array>,
  options: ReconstructOptions = {},
): AsyncGenerator<Uint8Array, void> {
  const { size } = options;
  let total = 0;
  let gathered: Uint8Array[] = [];
  let gatheredSize = 0;
  for await (const bytes of contents(chunks, openObject)) {
    total += bytes.length;
    if (size !== undefined && total > size) throw mismatch(total, size);
    if (gatheredSize > 0 && gatheredSize + bytes.length >= PIECE) {
      yield concatBytes(gathered);
      gathered = [];
      gatheredSize = 0;
    }
    if (bytes.length >= PIECE) {
      yield bytes;
    } else {
      gathered.push(bytes);
      gatheredSize += bytes.length;
    }
  }
  if (gatheredSize > 0) yield concatBytes(gathered);
  if (size !== undefined && total !== size) throw mismatch(total, size);
}

async function* contents(
  chunks: AsyncIterable<TarChunk> | Iterable<TarChunk>,
  openObject: (objectId: string) => AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void> {
  for await (const chunk of chunks) {
    if (chunk.kind === 'inline') yield chunk.bytes;
    else yield* openObject(chunk.objectId);
  }
}

function mismatch(total: number, size: number): TarSplitError {
  return new TarSplitError(
    'SIZE_MISMATCH',
    Math.min(total, size),
    `wanted a tar of ${size} bytes, found ${total < size ? 'only ' : 'at least '}${total}`,
  );
}

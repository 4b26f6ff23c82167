import type { LocalObjectStore } from './local-object-store.ts';
import type { StoredObject } from './object-store.ts';

/** Hands a content over piece by piece; the memory of a piece may be used again when `write` returns. */
export type PieceWriter = (write: (piece: Uint8Array) => void) => void;

/**
 * Store what a function writes.
 *
 * @throws what `writePieces` throws, and nothing is stored then; {RepositoryError} and Node's own errors of storing
 */
export function storePieces(store: LocalObjectStore, writePieces: PieceWriter): StoredObject {
  const writer = store.createWriterSync();
  try {
    writePieces((piece) => writer.write(piece));
    return writer.finish();
  } finally {
    writer.abort();
  }
}

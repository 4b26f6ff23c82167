import { fileChunks, readFully } from '@cfskit/linux';
import type { LayerFile, LayerPiece } from '@cfskit/oci-spec';
import { join } from 'node:path';
import { ContainersStorageError } from './errors.ts';
import { pathBelow } from './path-below.ts';
import type { LayerRecord } from './records.ts';
import type { Directory } from './store-files.ts';
import type { Store } from './store.ts';
import { readSegments } from './tar-split-lines.ts';

/** Files up to this size are read at once, which is faster than asking the thread pool. */
const SMALL_FILE = 256 * 1024;
const CHUNK_SIZE = 512 * 1024;

/**
 * The tar of a layer, put together from its headers and its files.
 *
 * @throws {ContainersStorageError} INVALID_TAR_SPLIT, UNSAFE_PATH, FILE_CHANGED, NOT_READABLE, MISSING_DATA
 */
export async function* layerPieces(store: Store, layer: LayerRecord, signal: AbortSignal | undefined): AsyncGenerator<LayerPiece, void> {
  const path = `${store.path}/${store.driver}-layers/${layer.id}.tar-split.gz`;
  const files = store.files(layer);
  try {
    for await (const segments of readSegments(store.tarSplit(layer, signal), path)) {
      signal?.throwIfAborted();
      for (const segment of segments) {
        signal?.throwIfAborted();
        if (segment.kind === 'bytes') yield segment.bytes;
        else yield* openedFile(files, segment.name, segment.size);
      }
    }
  } finally {
    files.close();
  }
}

function* openedFile(files: Directory, name: Uint8Array, size: number): Generator<LayerFile, void> {
  const below = pathBelow(name, files.path);
  const path = join(files.path, Buffer.from(below).toString());
  const file = files.openFile(below);
  if (file === undefined) throw new ContainersStorageError('FILE_CHANGED', path, 'a file of the layer is not there');
  if (file === 'no file') throw changed(path, size, 'something else');
  try {
    if (file.size !== size) throw changed(path, size, `${file.size} bytes`);
    yield { fd: file.fd, size, path };
  } finally {
    file.close();
  }
}

function changed(path: string, size: number, found: string): ContainersStorageError {
  return new ContainersStorageError('FILE_CHANGED', path, `wanted a file of ${size} bytes, found ${found}`);
}

/**
 * Pieces of a layer as bytes alone, in chunks of 512 KiB, but for the last.
 *
 * @throws {ContainersStorageError} FILE_CHANGED if a file ends before its time
 */
export async function* bytesOf(pieces: AsyncIterable<LayerPiece>): AsyncGenerator<Uint8Array, void> {
  let chunk = newChunk();
  let filled = 0;
  for await (const piece of pieces) {
    for await (const bytes of piece instanceof Uint8Array ? [piece] : contentOf(piece)) {
      for (let at = 0; at < bytes.byteLength;) {
        const count = Math.min(bytes.byteLength - at, CHUNK_SIZE - filled);
        chunk.set(bytes.subarray(at, at + count), filled);
        at += count;
        filled += count;
        if (filled < CHUNK_SIZE) continue;
        yield chunk;
        chunk = newChunk();
        filled = 0;
      }
    }
  }
  if (filled > 0) yield chunk.subarray(0, filled);
}

/** Alone in its ArrayBuffer, and no Buffer, whose `slice` does not copy. */
function newChunk(): Uint8Array {
  return new Uint8Array(Buffer.allocUnsafeSlow(CHUNK_SIZE).buffer);
}

async function* contentOf({ fd, size, path }: LayerFile): AsyncGenerator<Uint8Array, void> {
  let count = 0;
  if (size <= SMALL_FILE) {
    const bytes = new Uint8Array(size);
    count = readFully(fd, bytes, 0);
    if (count > 0) yield bytes.subarray(0, count);
  } else {
    for await (const bytes of fileChunks(fd, size)) {
      count += bytes.byteLength;
      yield bytes;
    }
  }
  if (count < size) throw new ContainersStorageError('FILE_CHANGED', path, `wanted ${size} bytes, found ${count}`);
}

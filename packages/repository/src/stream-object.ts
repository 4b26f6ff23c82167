import { readFully } from '@cfskit/linux';
import { splitstreamCodec } from '@cfskit/compression';
import { objectPath, type ObjectId } from '@cfskit/fs-verity';
import { openSplitstream, SplitstreamWriter, type ByteSource, type Splitstream } from '@cfskit/splitstream';
import { closeSync, fstatSync, type Stats } from 'node:fs';
import { RepositoryError } from './errors.ts';
import type { LocalObjectStore } from './local-object-store.ts';
import type { StoredObject } from './object-store.ts';
import { openScratchFile } from './scratch-file.ts';

/** A splitstream that has been stored as an object. */
export interface StoredStream extends StoredObject {
  /** Bytes of the data that the stream stands for. */
  readonly streamSize: number;
  /** How many of them are in the stream itself. */
  readonly inlineBytes: number;
}

/**
 * A writer for a splitstream that will be stored in `store`. Works in a worker thread, too. What gets too large for memory waits in unnamed
 * files beside the objects.
 *
 * @param contentType a constant of `@cfskit/splitstream`
 */
export function createStreamWriter(store: LocalObjectStore, contentType: bigint): SplitstreamWriter {
  const scratch = (): ReturnType<typeof openScratchFile> => openScratchFile(store.prepareDirectory());
  return new SplitstreamWriter({ algorithm: store.algorithm, contentType, codec: splitstreamCodec, scratch });
}

/**
 * Finish a splitstream and store it as an object. It has no name yet: `registerStream` of the repository gives it one.
 *
 * @throws {RepositoryError} as `putSync` of the store. Node's own errors. No file is left.
 */
export async function storeStream(store: LocalObjectStore, writer: SplitstreamWriter): Promise<StoredStream> {
  const finished = await writer.finish();
  try {
    const { streamSize, inlineBytes } = finished;
    return { ...storeChunks(store, finished.chunks(), finished.size), streamSize, inlineBytes };
  } finally {
    finished.close();
  }
}

/**
 * Open an object as a splitstream. It needs no closing: small files are in memory, of large ones each piece is read by itself.
 *
 * @throws {RepositoryError} NOT_FOUND, CORRUPT_OBJECT, VERITY_MISSING, VERITY_UNSUPPORTED. {SplitstreamError}
 */
export function openStreamObject(store: LocalObjectStore, id: ObjectId, contentType?: bigint): Promise<Splitstream> {
  const options = { algorithm: store.algorithm, codec: splitstreamCodec, ...(contentType !== undefined && { contentType }) };
  return openSplitstream(objectSource(store, id), options);
}

/** The beginning of an object, at most `length` bytes. */
export function readHead(store: LocalObjectStore, id: ObjectId, length: number): Uint8Array {
  return withObject(store, id, (fd) => readUpTo(fd, length, 0));
}

/** The error for a stream that cannot be used, with what is wrong in its message. */
export function invalidStream(name: string, cause: Error): RepositoryError {
  return new RepositoryError('INVALID_STREAM', `streams/${name}`, `Opening stream '${name}': ${cause.message}`, { cause });
}

function storeChunks(store: LocalObjectStore, chunks: Iterable<Uint8Array>, size: number): StoredObject {
  const writer = store.createWriterSync(size);
  try {
    for (const chunk of chunks) writer.write(chunk);
    return writer.finish();
  } finally {
    writer.abort();
  }
}

/** Every read opens the object anew, and has the kernel vouch for it anew: no descriptor stays open between them. */
function objectSource(store: LocalObjectStore, id: ObjectId): ByteSource | Uint8Array {
  const { stat, content } = withObject(store, id, (fd) => {
    const found = fstatSync(fd);
    return { stat: found, content: found.size <= IN_MEMORY ? readUpTo(fd, found.size, 0) : undefined };
  });
  if (content !== undefined) return content;
  return { size: stat.size, read: (start, end) => withObject(store, id, (fd) => readSame(fd, stat, id, start, end)) };
}

function readSame(fd: number, { ino, size, mtimeMs }: Stats, id: ObjectId, start: number, end: number): Uint8Array {
  const found = fstatSync(fd);
  if (found.ino === ino && found.size === size && found.mtimeMs === mtimeMs) return readUpTo(fd, end - start, start);
  const path = `objects/${objectPath(id)}`;
  throw new RepositoryError('CORRUPT_OBJECT', path, `${path} was replaced while it was being read`);
}

function readUpTo(fd: number, length: number, position: number): Uint8Array {
  const bytes = new Uint8Array(length);
  return bytes.subarray(0, readFully(fd, bytes, position));
}

function withObject<T>(store: LocalObjectStore, id: ObjectId, use: (fd: number) => T): T {
  const fd = store.openSync(id);
  try {
    return use(fd);
  } finally {
    closeSync(fd);
  }
}

const IN_MEMORY = 1 << 20;

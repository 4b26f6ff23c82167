import type { FileHandle } from 'node:fs/promises';

/**
 * Bytes per chunk. With sha256 behind it: 256 KiB 298 ms, 512 KiB 291 ms, 1 MiB 285 ms for 500 MB, 64 KiB 387 ms;
 * see docs/decisions/oci-layout-reading.md.
 */
const CHUNK_SIZE = 512 * 1024;

/**
 * The bytes of an open file from `start` to `end`, or to the end of the file if that comes first. The file stays open.
 *
 * The next chunk is read while the consumer has the last one, so two of 512 KiB are in memory, whatever the length.
 */
export async function* fileChunks(
  handle: FileHandle,
  start: number,
  end: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array, void> {
  signal?.throwIfAborted();
  let at = start;
  let next = readChunk(handle, at, end);
  try {
    for (;;) {
      const chunk = await next;
      signal?.throwIfAborted();
      if (chunk.byteLength === 0) return;
      at += chunk.byteLength;
      next = readChunk(handle, at, end);
      yield chunk;
    }
  } finally {
    await next.catch(() => undefined); // a failed read that nobody waits for any more
  }
}

/** Write all of `bytes` at a position. */
export async function writeFully(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let at = 0; at < bytes.byteLength;) {
    const { bytesWritten } = await handle.write(bytes, at, bytes.byteLength - at, position + at);
    at += bytesWritten;
  }
}

/**
 * Write chunks one after the other from a position on. While one is written the next is asked for, so that a source that hashes or waits
 * for a network does so meanwhile.
 *
 * @returns where the file has been written up to
 */
export async function writeChunks(
  handle: FileHandle,
  chunks: AsyncIterable<Uint8Array>,
  start: number,
  signal: AbortSignal | undefined,
): Promise<number> {
  let end = start;
  let writing = Promise.resolve();
  try {
    for await (const chunk of chunks) {
      signal?.throwIfAborted();
      await writing;
      writing = writeFully(handle, chunk, end);
      writing.catch(() => undefined); // looked at below, after what is done at the same time
      end += chunk.byteLength;
    }
  } finally {
    await writing;
  }
  return end;
}

/** Empty at `end` and at the end of the file. */
async function readChunk(handle: FileHandle, at: number, end: number): Promise<Uint8Array> {
  const length = Math.min(CHUNK_SIZE, end - at);
  if (length === 0) return new Uint8Array(0);
  const { buffer, bytesRead } = await handle.read(Buffer.allocUnsafeSlow(length), 0, length, at);
  return new Uint8Array(buffer.buffer, 0, bytesRead);
}

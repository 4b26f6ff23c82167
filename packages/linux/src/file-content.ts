import { read, readSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { promisify } from 'node:util';

/** Read from `position` on until `target` is full or the file ends: one call may give only a part. @returns the number of bytes */
export function readFully(fd: number, target: Uint8Array, position: number): number {
  let filled = 0;
  while (filled < target.byteLength) {
    const count = readSync(fd, target, filled, target.byteLength - filled, position + filled);
    if (count === 0) break;
    filled += count;
  }
  return filled;
}

/**
 * `length` bytes of a file from `start` on, or fewer where it ends; without blocking.
 *
 * @param length small: all of it is allocated
 */
export async function readRange(handle: FileHandle, start: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await handle.read(bytes, filled, length - filled, start + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return bytes.subarray(0, filled);
}

const readAsync = promisify(read);

/** The first `size` bytes of a file, or fewer where it ends, in chunks that belong to the consumer. The descriptor stays open. */
export async function* fileChunks(fd: number, size: number, chunkSize: number = 512 * 1024): AsyncGenerator<Uint8Array, void> {
  for (let at = 0; at < size;) {
    const length = Math.min(chunkSize, size - at);
    const { buffer, bytesRead } = await readAsync(fd, Buffer.allocUnsafeSlow(length), 0, length, at);
    if (bytesRead === 0) return;
    at += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}

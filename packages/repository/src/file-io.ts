import { constants, openSync, writeSync } from 'node:fs';

/** Open a file for reading. Anybody may have put a pipe in its place: opening does not wait for the other end. */
export function openForReading(path: string): number {
  return openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
}

/** Write all of `bytes`: one call may take only a part. */
export function writeFully(fd: number, bytes: Uint8Array): void {
  for (let written = 0; written < bytes.byteLength;) written += writeSync(fd, bytes, written, bytes.byteLength - written);
}

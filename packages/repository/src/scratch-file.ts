import { discardStagingFile, openStagingFile, readFully } from '@cfskit/linux';
import type { ScratchFile } from '@cfskit/splitstream';
import { closeSync } from 'node:fs';
import { writeFully } from './file-io.ts';
import { OBJECT_PREFIX } from './temporary-name.ts';

/** A file without a name in `directory`, for what a splitstream writer does not want to keep in memory. */
export function openScratchFile(directory: string): ScratchFile {
  const file = openStagingFile(directory, { prefix: OBJECT_PREFIX, mode: 0o600 });
  discardStagingFile(file);
  return {
    append: (bytes) => writeFully(file.fd, bytes),
    read: () => pieces(file.fd),
    close: () => closeSync(file.fd),
  };
}

function* pieces(fd: number): Generator<Uint8Array, void> {
  for (let position = 0; ;) {
    const piece = new Uint8Array(PIECE_SIZE);
    const size = readFully(fd, piece, position);
    if (size > 0) yield piece.subarray(0, size);
    if (size < PIECE_SIZE) return;
    position += size;
  }
}

const PIECE_SIZE = 1 << 18;

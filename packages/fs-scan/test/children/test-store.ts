// Content stores for the tests, made in whichever thread loads this.
import { appendFileSync, existsSync, mkdirSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { threadId } from 'node:worker_threads';
import { fsVerityDigest, FsVerityHasher } from '@cfskit/fs-verity';
import type { ContentStore, StoredContent } from '../../src/index.ts';

/** Writes each content under its id. */
export function directoryStore({ directory }: { directory: string }): ContentStore {
  mkdirSync(directory, { recursive: true });
  const keep = (id: string, bytes: Uint8Array): StoredContent => {
    const stored = !existsSync(join(directory, id));
    writeFileSync(join(directory, id), bytes);
    return { id, stored };
  };
  return {
    putSync: (bytes) => keep(fsVerityDigest(bytes, 'sha256'), bytes),
    createWriterSync(size) {
      const hasher = new FsVerityHasher('sha256');
      const pieces: Uint8Array[] = [];
      return {
        write(bytes) {
          hasher.update(bytes);
          pieces.push(Uint8Array.from(bytes));
        },
        finish() {
          const content = Buffer.concat(pieces);
          if (content.byteLength !== size) throw new Error(`announced ${size} bytes, got ${content.byteLength}`);
          return keep(hasher.objectId(), content);
        },
        abort: () => writeFileSync(join(directory, 'aborted'), ''),
      };
    },
  };
}

/** Changes the file while it is read: at its second piece. */
export function meddlingStore({
  file,
  how,
  aborted,
}: {
  file: string;
  how: 'append' | 'truncate' | 'touch';
  aborted: string;
}): ContentStore {
  let writes = 0;
  return {
    putSync: () => ({ id: '0'.repeat(64), stored: true }),
    createWriterSync: () => ({
      write() {
        if (writes++ !== 0) return;
        if (how === 'append') appendFileSync(file, 'more');
        if (how === 'truncate') truncateSync(file, 100);
        if (how === 'touch') utimesSync(file, 1, 1);
      },
      finish: () => ({ id: '0'.repeat(64), stored: true }),
      abort: () => writeFileSync(aborted, ''),
    }),
  };
}

/** Has no room: in the threads, if there are some, and else in this one. */
export async function fullStore({ roomIn, directory }: { roomIn: number; directory: string }): Promise<ContentStore> {
  if (threadId === roomIn) return directoryStore({ directory });
  return { putSync: full, createWriterSync: full };
}

function full(): never {
  throw Object.assign(new Error('no space left'), { code: 'ENOSPC' });
}

/** Cannot be opened, in the same threads. */
export function brokenStore({ roomIn, directory }: { roomIn: number; directory: string }): ContentStore {
  if (threadId === roomIn) return directoryStore({ directory });
  throw Object.assign(new Error('cannot be opened'), { code: 'NOT_FOUND' });
}

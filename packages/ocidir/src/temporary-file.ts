import { randomUUID } from 'node:crypto';
import { open, rename, rm, type FileHandle } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { syncDirectory } from './atomic-file.ts';

/** A file that is being written beside the place it is for. */
export interface TemporaryFile {
  readonly handle: FileHandle;
  /** Put it on the disk and give it its name, in place of what has it now. */
  commit(): Promise<void>;
  /** Remove it. After `commit`, or a second time, nothing happens. */
  discard(): Promise<void>;
}

/** Start a file that gets the name `path` when it is complete. */
export async function openTemporaryFile(path: string): Promise<TemporaryFile> {
  const target = resolve(path);
  const temporary = temporaryName(target);
  const handle = await open(temporary, 'wx', 0o644);
  let done = false;
  return {
    handle,
    async commit() {
      await handle.sync();
      await handle.close();
      await rename(temporary, target);
      done = true;
      await syncDirectory(dirname(target));
    },
    async discard() {
      if (done) return;
      done = true;
      await handle.close();
      await rm(temporary, { force: true });
    },
  };
}

/** A name beside `target` that nothing else has. */
export function temporaryName(target: string): string {
  return join(dirname(target), `.tmp-${randomUUID()}-${basename(target).slice(0, 100)}`);
}

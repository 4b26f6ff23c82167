import { randomUUID } from 'node:crypto';
import { lstat, open, realpath, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { syncDirectory } from '@cfskit/linux';
import { hasCode, OciDirError } from './errors.ts';

/** A file that is being written beside the place it is for. */
export interface TemporaryFile {
  readonly handle: FileHandle;
  /** Put it on the disk and give it its name, in place of the file that has it now. */
  commit(): Promise<void>;
  /** Remove it. After `commit`, or a second time, nothing happens. */
  discard(): Promise<void>;
}

/**
 * Start a file that gets the name `path` when it is complete. Where that is a symbolic link, the file that it leads to is replaced.
 *
 * @throws {OciDirError} EXISTS: something is there that is no regular file; at the end too. Errors of the system, about `path`
 */
export async function openTemporaryFile(path: string): Promise<TemporaryFile> {
  const target = await replaceable(path);
  const temporary = temporaryName(target);
  const handle = await aboutTarget(path, temporary, open(temporary, 'wx', 0o644));
  let done = false;
  return {
    handle,
    async commit() {
      if ((await replaceable(path)) !== target) throw notReplaced(path);
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

/** An error about what was asked for: nobody knows the temporary name. */
export async function aboutTarget<T>(path: string, temporary: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof Error) || !('path' in error)) throw error;
    throw Object.assign(error, { message: error.message.replace(temporary, () => path), path });
  }
}

/** Where a file of this name is to be put, links followed: nothing is there, or a regular file. */
async function replaceable(path: string): Promise<string> {
  const target = resolve(path);
  try {
    const real = await realpath(target);
    if ((await stat(real)).isFile()) return real;
  } catch (error) {
    if (hasCode(error, 'ENOTDIR') || (hasCode(error, 'ENOENT') && !(await isLink(target)))) return target;
    if (!hasCode(error, 'ENOENT', 'ELOOP')) throw error;
  }
  throw notReplaced(path);
}

async function isLink(path: string): Promise<boolean> {
  return await lstat(path).then(
    (stats) => stats.isSymbolicLink(),
    () => false,
  );
}

function notReplaced(path: string): OciDirError {
  return new OciDirError('EXISTS', path, `there is something else than a file in the place of the archive, which is not replaced: ${path}`);
}

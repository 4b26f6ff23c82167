import { randomBytes } from 'node:crypto';
import { constants, type Stats } from 'node:fs';
import { type FileHandle, open, realpath, rename, stat, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/** A file in the making. Nothing is to be seen under its name before `commit`. */
export interface OutputFile {
  write(bytes: string | Uint8Array): Promise<void>;
  /** The file is complete: give it its name. */
  commit(): Promise<void>;
  /** The file is not to be: remove what there is of it. Does nothing after `commit`. */
  discard(): Promise<void>;
}

/**
 * Create a file beside its place, to be renamed when complete; an existing file keeps its mode and stays until then.
 *
 * A path that is there and is no regular file (`/dev/null`, a named pipe) is written to directly. A symbolic link is
 * followed, so the file it names is replaced, not the link.
 *
 * @throws errors of the file system, about `path`
 */
export async function createOutputFile(path: string): Promise<OutputFile> {
  const existing = await statIfThere(path);
  if (existing !== undefined && !existing.isFile()) return directFile(await open(path, 'w'));
  const target = existing === undefined ? path : await realpath(path);
  const { handle, temporary } = await openBeside(target);
  if (existing !== undefined) await handle.chmod(existing.mode & 0o777);
  let pending = true;
  return {
    write: (bytes) => writeAll(handle, bytes),
    async commit() {
      await handle.close();
      await rename(temporary, target);
      pending = false;
    },
    async discard() {
      if (!pending) return;
      pending = false;
      await handle.close().catch(ignoreClosed);
      await unlink(temporary);
    },
  };
}

async function openBeside(target: string): Promise<{ handle: FileHandle; temporary: string }> {
  const temporary = join(dirname(target), `.${shortened(basename(target))}.${randomBytes(6).toString('hex')}.tmp`);
  try {
    return { handle: await open(temporary, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o666), temporary };
  } catch (error) {
    throw aboutTarget(error, temporary, target);
  }
}

/** Names end at 255 bytes, whatever characters they are of; one that is cut is left out. */
function shortened(name: string): string {
  return new TextDecoder().decode(Buffer.from(name).subarray(0, 200), { stream: true });
}

/** An error about the file that was asked for: nobody knows the temporary one. */
function aboutTarget(error: unknown, temporary: string, target: string): unknown {
  if (!(error instanceof Error) || !('path' in error)) return error;
  return Object.assign(error, { message: error.message.replace(temporary, () => target), path: target });
}

function directFile(handle: FileHandle): OutputFile {
  let closed = false;
  const close = async (): Promise<void> => {
    if (closed) return;
    closed = true;
    await handle.close();
  };
  return { write: (bytes) => writeAll(handle, bytes), commit: close, discard: close };
}

async function writeAll(handle: FileHandle, data: string | Uint8Array): Promise<void> {
  const bytes = typeof data === 'string' ? new TextEncoder().encode(data) : data;
  for (let done = 0; done < bytes.byteLength;) {
    const { bytesWritten } = await handle.write(bytes, done);
    done += bytesWritten;
  }
}

async function statIfThere(path: string): Promise<Stats | undefined> {
  try {
    return await stat(path);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

function ignoreClosed(): void {}

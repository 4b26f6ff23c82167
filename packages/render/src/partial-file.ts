import { randomBytes } from 'node:crypto';
import { lstat, open, realpath, rename, rm, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { hasCode, RenderError } from './errors.ts';

/**
 * The name under which an output grows until it is complete: beside its place, so that it can be renamed. What is at the place stays there
 * until then.
 */
export class PartialFile {
  /** Where the output belongs. */
  readonly path: string;
  /** Where it is now. */
  readonly partialPath: string;

  constructor(path: string) {
    this.path = path;
    this.partialPath = `${path}.partial-${randomBytes(6).toString('hex')}`;
  }

  /** Create it for writing. */
  async create(): Promise<FileHandle> {
    return await open(this.partialPath, 'wx', 0o666);
  }

  /** Make it durable and give it its name. The handle, if there is one, is closed. */
  async commit(handle?: FileHandle): Promise<void> {
    const file = handle ?? (await open(this.partialPath, 'r'));
    try {
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(this.partialPath, this.path);
    await syncDirectory(dirname(this.path));
  }

  /** Remove it; nothing happens if it is not there. */
  async discard(): Promise<void> {
    await rm(this.partialPath, { force: true });
  }
}

/**
 * A place for an output that grows.
 *
 * @throws {RenderError} OUTPUT_NOT_A_FILE if a directory, device, FIFO or socket has the name
 */
export async function partialFile(path: string): Promise<PartialFile> {
  return new PartialFile(await destination(path));
}

async function destination(path: string): Promise<string> {
  try {
    const real = await realpath(path);
    if ((await lstat(real)).isFile()) return real;
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error;
    return path;
  }
  throw new RenderError('OUTPUT_NOT_A_FILE', `${path} is there already, and no regular file`, { path });
}

async function syncDirectory(path: string): Promise<void> {
  if (process.platform === 'win32') return; // where directories cannot be opened
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

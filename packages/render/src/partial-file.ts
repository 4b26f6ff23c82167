import { randomBytes } from 'node:crypto';
import { lstat, open, realpath, rename, rm, type FileHandle } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { syncDirectory } from '@cfskit/linux';
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
  readonly #mode: number | undefined;

  /** @param mode of the file that will be replaced; it is that of the new one, too */
  constructor(path: string, mode?: number) {
    this.path = path;
    this.partialPath = join(dirname(path), partialName(basename(path)));
    this.#mode = mode;
  }

  /** Create it for writing. */
  async create(): Promise<FileHandle> {
    const handle = await open(this.partialPath, 'wx', this.#mode === undefined ? 0o666 : 0o600);
    try {
      if (this.#mode !== undefined) await handle.chmod(this.#mode);
      return handle;
    } catch (error) {
      await handle.close();
      await this.discard();
      throw error;
    }
  }

  /** Create it for another program, if that would not give it the mode of the file that it replaces. */
  async reserve(): Promise<void> {
    if (this.#mode !== undefined) await (await this.create()).close();
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
  const { path: real, mode } = await destination(path);
  return new PartialFile(real, mode);
}

/** Names end at 255 bytes, and this one is longer than the file's own. */
const NAME_MAX = 255;

function partialName(name: string): string {
  const suffix = `.partial-${randomBytes(6).toString('hex')}`;
  const start = Buffer.from(name).subarray(0, NAME_MAX - suffix.length);
  return new TextDecoder().decode(start, { stream: true }) + suffix; // without the rest of a character that is cut
}

async function destination(path: string): Promise<{ readonly path: string; readonly mode?: number }> {
  try {
    const real = await realpath(path);
    const found = await lstat(real);
    if (found.isFile()) return { path: real, mode: found.mode & 0o777 };
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error;
    return { path };
  }
  throw new RenderError('OUTPUT_NOT_A_FILE', `${path} is there already, and no regular file`, { path });
}

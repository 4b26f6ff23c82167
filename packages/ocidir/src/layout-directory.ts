import { readRange } from '@cfskit/linux';
import { constants } from 'node:fs';
import { open, opendir, realpath, type FileHandle } from 'node:fs/promises';
import { isAbsolute, join, relative, sep } from 'node:path';
import { hasCode, OciDirError } from './errors.ts';

/** A regular file, open for reading. Whoever got it closes it. */
export interface OpenFile {
  readonly handle: FileHandle;
  /** Bytes when it was opened. */
  readonly size: number;
}

// O_NONBLOCK: opening a FIFO does not wait for a writer. Neither flag exists on Windows, where neither kind of file does.
const READ_FLAGS = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

/**
 * Open a regular file of a layout. Symbolic links are followed as long as they stay inside.
 *
 * Node has no directory handles, so the real path is computed first and then opened without following a link at its end. Who can rename
 * directories inside the layout meanwhile can still lead the read astray; what is read is checked against its digest all the same.
 *
 * @param root real path of the layout
 * @param path of the file, relative to `root`
 * @returns undefined if there is no such file
 * @throws {OciDirError} OUTSIDE_LAYOUT, NOT_A_FILE
 */
export async function openInside(root: string, path: string): Promise<OpenFile | undefined> {
  try {
    const real = await realpath(join(root, path));
    if (!isInside(root, real)) throw new OciDirError('OUTSIDE_LAYOUT', path, `${path} leads out of the layout, to ${real}`);
    return await regularFile(await open(real, READ_FLAGS), path);
  } catch (cause) {
    if (hasCode(cause, 'ENOENT', 'ENOTDIR')) return undefined;
    if (hasCode(cause, 'ELOOP', 'ENXIO', 'EISDIR')) throw notAFile(path, cause); // ENXIO: a socket
    throw cause;
  }
}

/**
 * A small file of a layout, whole.
 *
 * @returns undefined if there is no such file
 * @throws {OciDirError} TOO_LARGE, OUTSIDE_LAYOUT, NOT_A_FILE
 */
export async function readInside(root: string, path: string, limit: number): Promise<Uint8Array | undefined> {
  const file = await openInside(root, path);
  if (file === undefined) return undefined;
  try {
    if (file.size > limit) throw new OciDirError('TOO_LARGE', path, `wanted at most ${limit} bytes in ${path}, found ${file.size}`);
    return await readRange(file.handle, 0, file.size);
  } finally {
    await file.handle.close();
  }
}

/** Whether `path` is below `root`; both are real paths. */
export function isInside(root: string, path: string): boolean {
  const way = relative(root, path);
  return way !== '' && way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}

/**
 * The real path of a directory that is there and can be read.
 *
 * @param complaint what the error says
 * @throws {OciDirError} NOT_A_LAYOUT
 */
export async function realDirectory(path: string, complaint: () => Promise<string> | string): Promise<string> {
  try {
    const root = await realpath(path);
    await (await opendir(root)).close();
    return root;
  } catch (cause) {
    if (!hasCode(cause, 'ENOENT', 'ENOTDIR', 'EACCES', 'ELOOP', 'ENAMETOOLONG')) throw cause;
    throw new OciDirError('NOT_A_LAYOUT', path, await complaint(), { cause });
  }
}

async function regularFile(handle: FileHandle, path: string): Promise<OpenFile> {
  try {
    const stats = await handle.stat();
    if (!stats.isFile()) throw notAFile(path);
    return { handle, size: stats.size };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

function notAFile(path: string, cause?: unknown): OciDirError {
  return new OciDirError('NOT_A_FILE', path, `wanted a regular file, found something else: ${path}`, { cause });
}

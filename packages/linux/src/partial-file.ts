import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { lstat, open, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { hasCode, LinuxError } from './errors.ts';
import { flock } from './flock.ts';

/** A file that is being filled, by its opener alone. Its lock ends when `handle` is closed, which is to happen after it is renamed. */
export interface PartialFile {
  readonly handle: FileHandle;
  /** The name it has now. */
  readonly path: string;
  /** Whether it has the name that was asked for, so that a later opener finds what it holds. */
  readonly isLasting: boolean;
}

/**
 * Open `path` for reading and writing, made if need be, to go on with what a process that has ended left there. Nobody else gets the same
 * file meanwhile: it is locked by flock(2), and what ends without a word leaves no lock.
 *
 * While somebody has it, or where nothing can be locked, the answer is an empty file beside it, under a random name that begins with `.tmp-`.
 *
 * @throws {LinuxError} EEXIST: something else than a regular file is there. Node's own errors
 */
export async function openPartialFile(path: string): Promise<PartialFile> {
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const handle = await openRegular(path);
    if (!isLocked(handle)) {
      await handle.close();
      break;
    }
    if (await isStill(path, handle)) return { handle, path, isLasting: true };
    await handle.close(); // its owner has given it another name
  }
  const own = join(dirname(path), `.tmp-${randomUUID()}`);
  return { handle: await open(own, 'wx+', 0o644), path: own, isLasting: false };
}

/** Each further one takes somebody who gave the file its name between two of our calls. */
const MAX_TRIES = 8;

// O_NONBLOCK: opening a FIFO does not wait. Neither flag exists on Windows, where neither kind of file does.
const FLAGS = constants.O_RDWR | constants.O_CREAT | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

async function openRegular(path: string): Promise<FileHandle> {
  try {
    const handle = await open(path, FLAGS, 0o644);
    if ((await handle.stat()).isFile()) return handle;
    await handle.close();
  } catch (error) {
    if (!hasCode(error, 'ELOOP', 'EISDIR', 'ENXIO')) throw error;
  }
  throw new LinuxError('EEXIST', 'open', 'wanted a regular file, found something else', { path });
}

function isLocked({ fd }: FileHandle): boolean {
  try {
    return flock(fd, 'exclusive', { wait: false });
  } catch (error) {
    if (error instanceof LinuxError) return false; // there are no locks here
    throw error;
  }
}

async function isStill(path: string, handle: FileHandle): Promise<boolean> {
  const [there, ours] = await Promise.all([lstat(path, { bigint: true }).catch(() => undefined), handle.stat({ bigint: true })]);
  return there?.ino === ours.ino && there.dev === ours.dev;
}

import { open } from 'node:fs/promises';
import { flockAsync, LinuxError } from '@cfskit/linux';

/**
 * Work while nobody else has the lock of a directory (flock(2)): other processes, and others in this one. Where nothing can be locked the
 * work is done all the same.
 *
 * @throws the signal's reason while waiting, and whatever `work` throws
 */
export async function whileLocked<T>(directory: string, signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
  const handle = await open(directory, 'r').catch(() => undefined); // Windows opens no directories
  try {
    if (handle !== undefined) await lock(handle.fd, signal);
    return await work();
  } finally {
    await handle?.close(); // which ends the lock
  }
}

async function lock(fd: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await flockAsync(fd, 'exclusive', signal === undefined ? {} : { signal });
  } catch (error) {
    if (!(error instanceof LinuxError)) throw error;
  }
}

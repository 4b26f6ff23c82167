import { LinuxError, recordLockAsync } from '@cfskit/linux';
import type { Directory } from './store-files.ts';

/** How a lock of a store is waited for. */
export interface LockOptions {
  readonly signal?: AbortSignal | undefined;
  /** Told when there is something to know about locks. */
  readonly onWarning: (text: string) => void;
}

/**
 * Hold a lock file of a store for reading, as the tools of containers do, until what is returned is called. A store without lock files is one that is
 * only read. Without koffi there is no lock: whatever changes meanwhile is found out, because everything that is read is verified.
 *
 * @throws the signal's reason
 */
export async function holdReadLock(directory: Directory, name: string, { signal, onWarning }: LockOptions): Promise<() => void> {
  const file = directory.openFile(name);
  if (file === undefined || file === 'no file') return () => undefined;
  const onWait = (): void => onWarning(`waiting for ${directory.path}/${name}, which somebody else is using`);
  try {
    await recordLockAsync(file.fd, 'shared', { onWait, signal });
  } catch (error) {
    if (!(error instanceof LinuxError) || error.code !== 'UNSUPPORTED') {
      file.close();
      throw error;
    }
    onWarning(`${directory.path} is read without its lock, which needs koffi`);
  }
  return () => file.close();
}

import { open } from 'node:fs/promises';
import { hasCode } from './errors.ts';

/**
 * Put the entries of a directory on the disk, so that a new name in it survives a crash too. Where directories cannot be opened or synced,
 * by this user or on Windows, nothing happens.
 *
 * @throws Node's own errors: ENOENT, EIO
 */
export async function syncDirectory(path: string): Promise<void> {
  try {
    const directory = await open(path, 'r');
    try {
      await directory.sync();
    } finally {
      await directory.close();
    }
  } catch (error) {
    if (!hasCode(error, 'EPERM', 'EISDIR', 'EACCES', 'EINVAL')) throw error;
  }
}

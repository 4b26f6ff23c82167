import { open, rename } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { LinuxError, renameAt } from '@cfskit/linux';
import { hasCode } from './errors.ts';

/**
 * Give a directory the name `target`, beside it, which may be that of another directory. Where the system can exchange two names there is
 * a directory of that name at every moment, and two that do this at once come one after the other.
 *
 * Elsewhere the old one is moved away first: a process that is killed then can leave it under the name `aside` alone.
 *
 * @returns where the old one is now; undefined if there was none
 * @throws Node's own errors: ENOTEMPTY if, elsewhere, another directory comes in between
 */
export async function replaceDirectory(directory: string, target: string, aside: string): Promise<string | undefined> {
  if (await isRenamed(directory, target)) return undefined;
  if (await isExchanged(directory, target)) return directory;
  await rename(target, aside);
  try {
    await rename(directory, target);
  } catch (error) {
    await isRenamed(aside, target);
    throw error;
  }
  return aside;
}

/** Nothing and empty directories are replaced by a rename. */
async function isRenamed(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to);
    return true;
  } catch (error) {
    if (hasCode(error, 'ENOTEMPTY', 'EEXIST')) return false;
    throw error;
  }
}

async function isExchanged(one: string, other: string): Promise<boolean> {
  const parent = await open(dirname(other), 'r').catch(() => undefined); // Windows opens no directories
  if (parent === undefined) return false;
  try {
    return renameAt(parent.fd, Buffer.from(basename(one)), parent.fd, Buffer.from(basename(other)), 'exchange') === 'renamed';
  } catch (error) {
    if (error instanceof LinuxError) return false;
    throw error;
  } finally {
    await parent.close();
  }
}

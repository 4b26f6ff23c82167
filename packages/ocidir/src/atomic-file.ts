import { randomUUID } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { syncDirectory } from '@cfskit/linux';
import { writeChunks } from './file-chunks.ts';

/**
 * Write a file that gets its name only when all of its content is on the disk; a file of that name is replaced.
 * If `content` throws, or the process ends before, the name stays as it was. A temporary file is left only in the second case.
 *
 * @param name asked for after the last chunk
 */
export async function writeAtomically(
  directory: string,
  content: AsyncIterable<Uint8Array>,
  name: () => string,
  signal?: AbortSignal,
): Promise<void> {
  const temporary = join(directory, `.tmp-${randomUUID()}`);
  try {
    await writeSynced(temporary, content, signal);
    await rename(temporary, join(directory, name()));
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await syncDirectory(directory);
}

async function writeSynced(path: string, content: AsyncIterable<Uint8Array>, signal: AbortSignal | undefined): Promise<void> {
  const handle = await open(path, 'wx', 0o644);
  try {
    await writeChunks(handle, content, 0, signal);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

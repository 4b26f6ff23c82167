import { compress, withTempDir, type Compression } from '@cfskit/fixtures';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Runs `work` with the path of a file that holds `bytes`, compressed if asked. */
export async function withArchive(
  bytes: Uint8Array,
  work: (path: string) => Promise<void>,
  compression: Compression = 'none',
): Promise<void> {
  await withTempDir(async (directory) => {
    const path = join(directory, 'image.tar');
    await writeFile(path, compress(bytes, compression));
    await work(path);
  });
}

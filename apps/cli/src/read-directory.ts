import { resolve } from 'node:path';
import type { CommandContext, GlobalValues } from '@cfskit/cli-kit';
import { repositoryAlgorithm } from '@cfskit/cli-kit/images';
import type { Algorithm } from '@cfskit/fs-verity';
import { FsScanError, scanDirectory, type ScannedDirectory, type ScanOptions, type ScanProgress } from '@cfskit/fs-scan';
import { imagePath } from './image-path.ts';

/** How a directory is read, beside the algorithm of the ids. */
export type ReadDirectoryOptions = Pick<ScanOptions, 'hardLinks' | 'store' | 'threads' | 'xattrs'>;

/**
 * Read a directory of the machine as a tree, with progress.
 *
 * @throws {FsScanError} NOT_A_DIRECTORY, CHANGED, UNREADABLE, UNSUPPORTED, TOO_DEEP, STORE_FAILED; the signal's reason
 */
export async function readDirectory(
  path: string,
  algorithm: Algorithm,
  { world, reporter, signal }: CommandContext,
  options: ReadDirectoryOptions = {},
): Promise<ScannedDirectory> {
  const absolute = resolve(world.cwd, path);
  reporter.report({ type: 'started', id: path, unit: 'bytes' });
  try {
    const onProgress = ({ bytes }: ScanProgress): void => reporter.report({ type: 'progress', id: path, fetched: bytes });
    const scanned = await scanDirectory(absolute, { ...options, algorithm, signal, onProgress });
    reporter.report({ type: 'done', id: path, transferred: scanned.stats.bytes });
    return scanned;
  } catch (error) {
    throw error instanceof FsScanError ? onMachine(error, absolute) : error;
  }
}

/** The same error with the path that the entry has on this machine. */
function onMachine(error: FsScanError, root: string): FsScanError {
  const path = imagePath(root) + (error.path === '/' ? '' : error.path);
  return new FsScanError(error.code, path, error.reason, { cause: error.cause });
}

/** The algorithm of ids where nothing is stored: that of `--hash`, of the repository if there is one, or sha512. */
export async function directoryAlgorithm(values: GlobalValues, context: CommandContext): Promise<Algorithm> {
  return values.hash ?? (await repositoryAlgorithm(values, context)) ?? 'sha512';
}

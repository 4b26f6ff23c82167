import { resolve } from 'node:path';
import type { CommandContext, GlobalValues } from '@cfskit/cli-kit';
import type { Algorithm } from '@cfskit/fs-verity';
import { scanDirectory, type ScannedDirectory, type ScanOptions } from '@cfskit/fs-scan';
import { repositoryAlgorithm } from './open-repository.ts';

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
  reporter.report({ type: 'started', id: path, unit: 'bytes' });
  const scanned = await scanDirectory(resolve(world.cwd, path), {
    ...options,
    algorithm,
    signal,
    onProgress: ({ bytes }) => reporter.report({ type: 'progress', id: path, fetched: bytes }),
  });
  reporter.report({ type: 'done', id: path, transferred: scanned.stats.bytes });
  return scanned;
}

/** The algorithm of ids where nothing is stored: that of `--hash`, of the repository if there is one, or sha512. */
export async function directoryAlgorithm(values: GlobalValues, context: CommandContext): Promise<Algorithm> {
  return values.hash ?? (await repositoryAlgorithm(values, context)) ?? 'sha512';
}

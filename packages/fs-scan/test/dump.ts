import { dumpLines } from '@cfskit/fs-tree';
import { scanDirectory, type ScanOptions } from '../src/index.ts';

/** The dump of a directory. */
export async function dump(path: string, options: Partial<ScanOptions> = {}): Promise<string[]> {
  const { root } = await scanDirectory(path, { algorithm: 'sha256', ...options });
  return [...dumpLines(root)];
}

/** Dump lines with owners as letters, so that they read the same whoever runs the tests, and without `ignored` extended attributes. */
export async function dumpOfOwn(path: string, options: Partial<ScanOptions> = {}): Promise<string[]> {
  const own = ` ${process.getuid?.()} ${process.getgid?.()} `;
  return (await dump(path, options)).map((line) => line.replace(own, ' U G ').replace(/ security\.selinux=\S+/, ''));
}

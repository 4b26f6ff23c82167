import { closeSync, writeSync } from 'node:fs';
import { hasCode } from './errors.ts';
import { reflink } from './reflink.ts';
import { discardStagingFile, openStagingFile, reopenReadOnly, type StagingFile } from './staging.ts';
import { enableVerity, type VerityAlgorithm } from './verity.ts';
import { checkWritable, type Writability } from './writable.ts';

/** What the file system of a directory can do. */
export interface DirectoryCapabilities {
  readonly writability: Writability;
  /** Files without a name that can be named later. */
  readonly unnamedFiles: boolean;
  /** Files that share blocks. */
  readonly reflink: boolean;
  /** fs-verity with the algorithm asked for. */
  readonly verity: boolean;
}

/**
 * Find out by trying: makes two small files in `directory`, unnamed where possible, and leaves nothing behind.
 * In a directory that cannot be written to nothing is tried, and everything else is `false`.
 *
 * @param algorithm the one to try verity with: a kernel may lack sha512
 * @throws {LinuxError} the errno of what fails for another reason; Node's own errors, for instance ENOENT
 */
export function probeDirectory(directory: string, algorithm: VerityAlgorithm): DirectoryCapabilities {
  const writability = checkWritable(directory);
  if (writability !== 'writable') return { writability, unnamedFiles: false, reflink: false, verity: false };
  return withFile(directory, (first) =>
    withFile(directory, (second) => {
      writeSync(first.fd, new Uint8Array(4096).fill(1));
      return {
        writability,
        unnamedFiles: first.path === undefined,
        reflink: reflink(first.fd, second.fd),
        verity: takesVerity(directory, algorithm),
      };
    }),
  );
}

/** Only enabling tells: a file system may measure, and refuse to enable. */
function takesVerity(directory: string, algorithm: VerityAlgorithm): boolean {
  const writable = openStagingFile(directory);
  let fd: number | undefined;
  try {
    fd = reopenReadOnly(writable.fd);
  } finally {
    closeSync(writable.fd);
    if (fd === undefined) discardStagingFile(writable);
  }
  try {
    return enableVerity(fd, algorithm) === 'enabled';
  } catch (error) {
    if (hasCode(error, 'ENOPKG')) return false;
    throw error;
  } finally {
    discardStagingFile(writable);
    closeSync(fd);
  }
}

function withFile<T>(directory: string, use: (file: StagingFile) => T): T {
  const file = openStagingFile(directory);
  try {
    return use(file);
  } finally {
    discardStagingFile(file);
    closeSync(file.fd);
  }
}

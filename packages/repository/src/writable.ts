import { checkWritable } from '@cfskit/linux';
import { RepositoryError } from './errors.ts';
import { formatFeatures } from './metadata.ts';

/**
 * Refuse a repository that must not or cannot be written, before anything else is done.
 *
 * @param unknownFeatures read-only-compatible features that this package does not know
 * @throws {RepositoryError} READ_ONLY
 */
export function assertWritable(root: string, unknownFeatures: readonly string[]): void {
  if (unknownFeatures.length > 0) throw readOnly(root, `: unknown read-only-compatible features: ${formatFeatures(unknownFeatures)}`);
  const writability = checkWritable(root);
  if (writability === 'read-only') throw readOnly(root, ': read-only file system');
  if (writability === 'denied') throw readOnly(root, `: permission denied on ${root}`);
}

function readOnly(root: string, why: string): RepositoryError {
  return new RepositoryError('READ_ONLY', root, `Repository is not writable${why}`);
}

import { isWhiteout, type Directory } from '@cfskit/fs-tree';
import type { FormatVersion } from './format.ts';

/** The versions that a caller of mkcomposefs asked for. */
export interface VersionRange {
  readonly min?: number | undefined;
  readonly max?: number | undefined;
}

/**
 * The format that mkcomposefs writes for a tree: 0, unless more is asked for, or unless the tree has whiteouts and 1 is allowed. As soon as one
 * end of the range is given, the other is 0.
 *
 * @throws {RangeError} for anything above 1
 */
export function chooseVersion(root: Directory, { min, max }: VersionRange = {}): FormatVersion {
  const lowest = min ?? 0;
  const highest = Math.max(max ?? (min === undefined ? 1 : 0), lowest);
  if (lowest !== 0 && lowest !== 1) throw new RangeError(`mkcomposefs knows no format ${lowest}`);
  if (highest !== 0 && highest !== 1) throw new RangeError(`mkcomposefs knows no format ${highest}`);
  return lowest < highest && hasWhiteout(root) ? 1 : lowest;
}

function hasWhiteout(root: Directory): boolean {
  const directories = [root];
  for (const directory of directories) {
    for (const [, node] of directory.entries()) {
      if (node.kind === 'directory') directories.push(node);
      else if (isWhiteout(node)) return true;
    }
  }
  return false;
}

import type { ByteString } from '@cfskit/fs-tree';

/** How many components a path has, and how long the longest is. */
export interface PathShape {
  readonly depth: number;
  readonly longest: number;
}

const SLASH = 0x2f;
const DOT = 0x2e;

/** Without cutting the path up: hostile ones consist of a million slashes. Empty components and `.` are none. */
export function pathShape(path: ByteString): PathShape {
  let depth = 0;
  let longest = 0;
  let start = 0;
  for (let end = 0; end <= path.length; end++) {
    if (end < path.length && path.charCodeAt(end) !== SLASH) continue;
    const size = end - start;
    if (size > 1 || (size === 1 && path.charCodeAt(start) !== DOT)) {
      depth++;
      longest = Math.max(longest, size);
    }
    start = end + 1;
  }
  return { depth, longest };
}

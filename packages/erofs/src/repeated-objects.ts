import type { ObjectId } from '@cfskit/fs-verity';
import { objectOfPath } from './overlay.ts';
import type { PlannedInode } from './planned-inode.ts';

/** The objects that more than one inode may refer to: by an id that has been met before, or by a path. All others have one inode each. */
export function repeatedObjects(inodes: readonly PlannedInode[]): ReadonlySet<ObjectId> {
  const met = new Set<ObjectId>();
  const repeated = new Set<ObjectId>();
  for (const { external } of inodes) {
    if (external === undefined || external.kind === 'sparse') continue;
    if (external.kind === 'external') {
      const { objectId } = external;
      if (met.has(objectId)) repeated.add(objectId);
      else met.add(objectId);
    }
    const other = external.payload === undefined ? undefined : objectOfPath(external.payload);
    if (other !== undefined) repeated.add(other);
  }
  return repeated;
}

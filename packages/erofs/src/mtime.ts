import { type Time } from '@cfskit/fs-tree';
import type { Profile } from './format.ts';
import type { PlannedInode } from './planned-inode.ts';

/** The smallest mtime of all inodes. composefs-rs compares seconds as unsigned numbers, so that times before 1970 come last. */
export function smallestMtime(inodes: readonly PlannedInode[], profile: Profile): Time {
  let smallest = inodes[0]!.stat.mtime;
  for (const { stat } of inodes) if (isBefore(stat.mtime, smallest, profile)) smallest = stat.mtime;
  return smallest;
}

function isBefore(a: Time, b: Time, profile: Profile): boolean {
  if (a.seconds === b.seconds) return a.nanoseconds < b.nanoseconds;
  if (profile === 'rs' && a.seconds < 0n !== b.seconds < 0n) return b.seconds < 0n;
  return a.seconds < b.seconds;
}

/** Whether two times are the same. */
export function isSameTime(a: Time, b: Time): boolean {
  return a === b || (a.seconds === b.seconds && a.nanoseconds === b.nanoseconds);
}

import { isWhiteout, NO_XATTRS, sameStat, type ByteString, type Directory, type Leaf, type Node, type Stat } from '@cfskit/fs-tree';
import type { Profile } from './format.ts';

const SELINUX = 'security.selinux';
const STUB_MODE = 0o644;

/** The 256 names that whiteouts of formats 0 and 1 take in the root: overlayfs hides the directories of the object store with them. */
export const STUB_NAMES: readonly ByteString[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/** Entries of the root as the image has them, and which of them are stubs. */
export interface StubbedRoot {
  readonly entries: readonly (readonly [ByteString, Node])[];
  readonly stubs: ReadonlySet<Leaf>;
}

/**
 * Add a stub for each of the names that the root does not have. A whiteout of the tree that looks exactly like a stub is taken for one by
 * composefs-rs, but not by mkcomposefs.
 */
export function stubsOf(root: Directory, profile: Profile): StubbedRoot {
  const stat = stubStat(root.stat);
  const entries: (readonly [ByteString, Node])[] = [...root.entries()];
  const stubs = new Set<Leaf>();
  for (const name of STUB_NAMES) {
    const existing = root.get(name);
    if (existing === undefined) {
      const stub: Leaf = { kind: 'character-device', rdev: 0, stat };
      stubs.add(stub);
      entries.push([name, stub]);
    } else if (profile === 'rs' && existing.kind !== 'directory' && isWhiteout(existing) && sameStat(existing.stat, stat)) {
      stubs.add(existing);
    }
  }
  return { entries: entries.toSorted(([a], [b]) => (a < b ? -1 : 1)), stubs };
}

function stubStat({ uid, gid, mtime, xattrs }: Stat): Stat {
  const label = xattrs.get(SELINUX);
  return { mode: STUB_MODE, uid, gid, mtime, xattrs: label === undefined ? NO_XATTRS : new Map([[SELINUX, label]]) };
}

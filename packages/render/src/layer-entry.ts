import { EPOCH, NO_XATTRS, type ByteString, type LayerEntry, type Stat } from '@cfskit/fs-tree';
import type { PaxRecord } from './pax.ts';
import type { TarMember } from './tar-member.ts';

/** Which entry of which layer: both are counted from 0, layers from the oldest. */
export interface Origin {
  readonly layer: number;
  readonly ordinal: number;
}

/** Metadata of an entry, with what a tar says beyond that of a file system. The merge hands it on as it is. */
export interface EntryStat extends Stat {
  readonly uname: ByteString;
  readonly gname: ByteString;
  /** PAX records that are passed on as they came. */
  readonly records: readonly PaxRecord[];
  /** The entry that says all this. Absent for directories that no entry describes. */
  readonly origin?: Origin;
}

/** What stands for the content of a file while layers are merged: its size. Where it is, its `origin` says. */
export interface FileSize {
  readonly size: number;
}

/** An entry on its way into the merge. */
export type IndexedEntry = LayerEntry<FileSize>;

/** For entries whose metadata nobody looks at. */
const NO_STAT: Stat = { mode: 0, uid: 0, gid: 0, mtime: EPOCH, xattrs: NO_XATTRS };

/** The entry for the merge, without content. */
export function indexedEntry(member: TarMember, size: number, origin: Origin): IndexedEntry {
  const { path, kind, target, rdev } = member;
  if (kind === 'hard-link') return { kind, path, target, stat: NO_STAT };
  const stat = entryStat(member, origin);
  switch (kind) {
    case 'file':
      return { kind, path, stat, content: { size } };
    case 'symlink':
      return { kind, path, stat, target };
    case 'character-device':
    case 'block-device':
      return { kind, path, stat, rdev };
    default:
      return { kind, path, stat };
  }
}

function entryStat({ mode, uid, gid, uname, gname, mtime, xattrs, records }: TarMember, origin: Origin): EntryStat {
  return { mode, uid, gid, uname, gname, mtime, xattrs, records, origin };
}

/** Metadata in the merged tree: of a directory that nobody describes, only the merge's own. */
export function statOf(stat: Stat): EntryStat {
  return 'origin' in stat ? (stat as EntryStat) : { ...stat, uname: '', gname: '', records: [] };
}

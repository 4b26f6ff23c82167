import { fchmodSync, fchownSync } from 'node:fs';
import { fromLatin1 } from '@cfskit/binary';
import { escapeBytes, type ByteString } from '@cfskit/fs-tree';
import { chmodAt, chownAt, entryPath, setXattr, utimesAt, utimesDescriptor, type XattrTarget } from '@cfskit/linux';
import type { Place } from './directory-target.ts';
import { hasCode, RenderError } from './errors.ts';
import type { EntryStat } from './layer-entry.ts';
import { NOTHING_SKIPPED, type RenderReport } from './output-sink.ts';

/**
 * What becomes of owners: `preserve` sets them and counts where this user may not, `require` makes an error of that, `ignore` leaves files to
 * this user.
 */
export type OwnerPolicy = 'preserve' | 'ignore' | 'require';

/** What becomes of extended attributes that cannot be set: they are counted, or an error. */
export type XattrPolicy = 'ignore' | 'require';

/** How metadata are set. */
export interface MetadataOptions {
  /** Default `preserve`. */
  readonly owner?: OwnerPolicy;
  /** Default `ignore`. */
  readonly xattrErrors?: XattrPolicy;
}

/** Errors that say that an attribute has no place: this one, too long, too many, or not so here. */
const XATTR_REFUSALS = ['E2BIG', 'ERANGE', 'EINVAL', 'ENOSPC', 'EDQUOT'] as const;

/**
 * Sets the metadata of what was made, and counts what could not be set. The owner comes first, because a change of it takes set-uid bits and
 * capabilities away; attributes before permissions, which may forbid this user to write them; times last.
 */
export class MetadataSetter {
  readonly #owner: OwnerPolicy;
  readonly #xattrErrors: XattrPolicy;
  readonly #report: { -readonly [K in keyof RenderReport]: number } = { ...NOTHING_SKIPPED };

  constructor({ owner = 'preserve', xattrErrors = 'ignore' }: MetadataOptions) {
    this.#owner = owner;
    this.#xattrErrors = xattrErrors;
  }

  get report(): RenderReport {
    return this.#report;
  }

  count(what: 'devicesSkipped' | 'linksCopied'): void {
    this.#report[what]++;
  }

  /** Of an open file or directory. */
  ofDescriptor(fd: number, path: ByteString, stat: EntryStat): void {
    this.#setOwner(path, stat, () => chownDescriptor(fd, stat));
    this.#setXattrs(fd, path, stat);
    fchmodSync(fd, stat.mode);
    this.#round(utimesDescriptor(fd, { mtime: stat.mtime }));
  }

  /** Of anything else, by its name. Symbolic links have no permissions of their own. */
  ofEntry(place: Place, path: ByteString, stat: EntryStat, isSymlink: boolean): void {
    const { directory, name } = place;
    this.#setOwner(path, stat, () => chownEntry(place, stat));
    if (stat.xattrs.size > 0) this.#setXattrs(entryPath(directory, name), path, stat);
    if (!isSymlink) chmodAt(directory, name, stat.mode);
    this.#round(utimesAt(directory, name, { mtime: stat.mtime }));
  }

  #setOwner(path: ByteString, { uid, gid }: EntryStat, change: () => 'changed' | 'denied'): void {
    if (this.#owner === 'ignore' || change() === 'changed') return;
    if (this.#owner === 'require') {
      throw new RenderError('OWNER_REFUSED', `this user may not give files to ${uid}:${gid}: ${escapeBytes(path)}`, { path });
    }
    this.#report.ownersSkipped++;
  }

  #setXattrs(target: XattrTarget, path: ByteString, { xattrs }: EntryStat): void {
    for (const [name, value] of xattrs) {
      const outcome = trySetXattr(target, name, value);
      if (outcome === 'set') continue;
      if (this.#xattrErrors === 'require') {
        const text = `cannot set the extended attribute ${escapeBytes(name)} (${outcome}): ${escapeBytes(path)}`;
        throw new RenderError('XATTR_REFUSED', text, { path });
      }
      this.#report.xattrsSkipped++;
    }
  }

  #round(outcome: string): void {
    if (outcome === 'rounded') this.#report.timesRounded++;
  }
}

function trySetXattr(target: XattrTarget, name: ByteString, value: ByteString): string {
  try {
    return setXattr(target, fromLatin1(name), fromLatin1(value));
  } catch (error) {
    if (hasCode(error, ...XATTR_REFUSALS)) return (error as NodeJS.ErrnoException).code!;
    throw error;
  }
}

/** In a user namespace, owners that it does not know are EINVAL. The last number stands for no owner, and would change nothing. */
function chownDescriptor(fd: number, { uid, gid }: EntryStat): 'changed' | 'denied' {
  if (isNobodys(uid, gid)) return 'denied';
  try {
    fchownSync(fd, uid, gid);
    return 'changed';
  } catch (error) {
    if (hasCode(error, 'EPERM', 'EINVAL')) return 'denied';
    throw error;
  }
}

function chownEntry({ directory, name }: Place, { uid, gid }: EntryStat): 'changed' | 'denied' {
  if (isNobodys(uid, gid)) return 'denied';
  try {
    return chownAt(directory, name, uid, gid);
  } catch (error) {
    if (hasCode(error, 'EINVAL')) return 'denied';
    throw error;
  }
}

function isNobodys(uid: number, gid: number): boolean {
  return uid === NO_OWNER || gid === NO_OWNER;
}

const NO_OWNER = 0xffffffff;

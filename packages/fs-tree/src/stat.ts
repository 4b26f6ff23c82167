import type { ByteString } from './escape.ts';

/** Seconds since the epoch (signed 64 bits) and nanoseconds from 0 to 999999999. */
export interface Time {
  readonly seconds: bigint;
  readonly nanoseconds: number;
}

/** Extended attributes by name. */
export type Xattrs = ReadonlyMap<ByteString, ByteString>;

/** Metadata of a directory or a leaf. Values are never changed in place, so nodes may share them. */
export interface Stat {
  /** The twelve permission bits. The type comes from the node. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtime: Time;
  readonly xattrs: Xattrs;
}

/** The permission bits of `st_mode`. */
export const PERMISSIONS = 0o7777;

/** 1 January 1970. */
export const EPOCH: Time = { seconds: 0n, nanoseconds: 0 };

/** For the many nodes that have none. */
export const NO_XATTRS: Xattrs = new Map();

/** Negative, zero or positive, as `a` is before, equal to or after `b`. */
export function compareTimes(a: Time, b: Time): number {
  if (a.seconds !== b.seconds) return a.seconds < b.seconds ? -1 : 1;
  return a.nanoseconds - b.nanoseconds;
}

/** Whether two stats say the same. Of the mode, only the permission bits count. */
export function sameStat(a: Stat, b: Stat): boolean {
  if (a === b) return true;
  const sameOwner = a.uid === b.uid && a.gid === b.gid;
  const sameMode = ((a.mode ^ b.mode) & PERMISSIONS) === 0;
  return sameMode && sameOwner && compareTimes(a.mtime, b.mtime) === 0 && sameXattrs(a.xattrs, b.xattrs);
}

function sameXattrs(a: Xattrs, b: Xattrs): boolean {
  if (a.size !== b.size) return false;
  for (const [name, value] of a) if (b.get(name) !== value) return false;
  return true;
}

import { fromLatin1 } from '@cfskit/binary';
import type { ByteString } from '@cfskit/fs-tree';
import type { FormatVersion } from './format.ts';
import { xxh32 } from './xxh32.ts';

/** Prefixes by their number; the empty one, for any other name, is number 0. */
const PREFIXES: readonly ByteString[] = [
  '',
  'user.',
  'system.posix_acl_access',
  'system.posix_acl_default',
  'trusted.',
  'lustre.',
  'security.',
];
const LUSTRE = 5;
const FILTER_SEED = 0x25bbe08f;

/** Numbers of the prefixes whose names are POSIX ACLs. */
export const ACL_INDEXES: readonly number[] = [2, 3];

/** A name as entries hold it: the number of its prefix, and the rest. */
export interface SplitName {
  readonly index: number;
  readonly suffix: ByteString;
}

/** Formats 0 and 1 have no prefix `lustre.`. */
export function splitXattrName(name: ByteString, version: FormatVersion): SplitName {
  for (let index = 1; index < PREFIXES.length; index++) {
    const prefix = PREFIXES[index]!;
    if (name.startsWith(prefix) && (index !== LUSTRE || version === 2)) return { index, suffix: name.slice(prefix.length) };
  }
  return { index: 0, suffix: name };
}

/** The prefix of that number, if there is one. */
export function xattrPrefix(index: number): ByteString | undefined {
  return PREFIXES[index];
}

/** The bit that a name clears in the filter of its inode, as a mask. */
export function filterBit({ index, suffix }: SplitName): number {
  return 1 << (xxh32(fromLatin1(suffix), FILTER_SEED + index) & 31);
}

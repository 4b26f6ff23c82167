import { EPOCH, type Directory, type Time } from '@cfskit/fs-tree';
import { BLOCK, roundUp, type FormatVersion, type Profile } from './format.ts';
import { orderInodes } from './inode-order.ts';
import { smallestMtime } from './mtime.ts';
import { placeEpoch1, placeEpoch2 } from './place.ts';
import { planTree, type PlanOptions } from './plan.ts';
import type { PlannedInode } from './planned-inode.ts';
import { prepareXattrs } from './prepare-xattrs.ts';
import { shareXattrs } from './shared-xattrs.ts';
import { ACL_INDEXES } from './xattr-name.ts';
import { XattrPairs, type XattrPair } from './xattr-pair.ts';

/** Everything about an image but its bytes. */
export interface ImageLayout {
  readonly version: FormatVersion;
  readonly profile: Profile;
  /** In the order of the image, the root first. */
  readonly inodes: readonly PlannedInode[];
  readonly pairs: XattrPairs;
  /** Those that are in the table, in its order. */
  readonly sharedPairs: readonly XattrPair[];
  readonly buildTime: Time;
  /** Some inode has a POSIX ACL. */
  readonly hasAcl: boolean;
  readonly inodesEnd: number;
  readonly dataStart: number;
  /** Bytes of the image, a multiple of the block size. */
  readonly size: number;
}

/** @throws {ErofsError} UNWRITABLE */
export function layOutImage(root: Directory, options: PlanOptions): ImageLayout {
  const { version, profile } = options;
  const pairs = new XattrPairs(version);
  const planned = planTree(root, options);
  prepareXattrs(planned, pairs, options);
  const shared = shareXattrs(planned, pairs, options);
  const inodes = orderInodes(planned, version);
  const buildTime = version === 2 ? EPOCH : smallestMtime(inodes, profile);
  const { inodesEnd, blockCount } = version === 2 ? placeEpoch2(inodes) : placeEpoch1(inodes, buildTime);
  const dataStart = roundUp(inodesEnd + shared.size, BLOCK);
  return {
    version,
    profile,
    inodes,
    pairs,
    sharedPairs: shared.pairs,
    buildTime,
    hasAcl: version < 2 && hasAcl(pairs, profile),
    inodesEnd,
    dataStart,
    size: dataStart + blockCount * BLOCK,
  };
}

/** composefs-rs goes by the prefix, so that a longer name counts; mkcomposefs wants the whole name. */
function hasAcl(pairs: XattrPairs, profile: Profile): boolean {
  for (const { index, suffix } of pairs.names()) if (ACL_INDEXES.includes(index) && (profile === 'rs' || suffix === '')) return true;
  return false;
}

import type { PlannedInode } from './planned-inode.ts';
import type { ExternalPairs, XattrPair, XattrPairs } from './xattr-pair.ts';

/**
 * The attributes of an inode but the two of external files. Those two have a place in the order of names, so the set is cut there. Inodes
 * with the same attributes share one set.
 */
export interface XattrSet {
  readonly beforeMetacopy: readonly XattrPair[];
  readonly beforeRedirect: readonly XattrPair[];
  readonly last: readonly XattrPair[];
}

export const EMPTY_SET: XattrSet = { beforeMetacopy: [], beforeRedirect: [], last: [] };

/**
 * The attributes of one inode after the other: references to shared ones first, then the others, in the order of the image both. Filled anew
 * for each inode, so that the many inodes need no lists of their own.
 */
export class XattrSequence {
  readonly #pairs: XattrPairs;
  readonly #maxShared: number;
  readonly shared: XattrPair[] = [];
  readonly local: XattrPair[] = [];
  sharedCount = 0;
  localCount = 0;

  /**
   * @param pairs of the image
   * @param maxShared how many references an inode has at most; the rest of the shared attributes is repeated
   */
  constructor(pairs: XattrPairs, maxShared: number) {
    this.#pairs = pairs;
    this.#maxShared = maxShared;
  }

  load(inode: PlannedInode): void {
    const { xattrs } = inode;
    const external = inode.pairs ?? this.#pairsOfObject(inode);
    this.sharedCount = 0;
    this.localCount = 0;
    for (const pair of xattrs.beforeMetacopy) this.#add(pair);
    if (external !== undefined) this.#add(external.metacopy);
    for (const pair of xattrs.beforeRedirect) this.#add(pair);
    if (external?.redirect !== undefined) this.#add(external.redirect);
    for (const pair of xattrs.last) this.#add(pair);
  }

  #pairsOfObject({ external }: PlannedInode): ExternalPairs | undefined {
    return external?.kind === 'external' ? this.#pairs.ofSingleObject(external.objectId) : undefined;
  }

  #add(pair: XattrPair): void {
    if (pair.inodes > 1 && this.sharedCount < this.#maxShared) this.shared[this.sharedCount++] = pair;
    else this.local[this.localCount++] = pair;
  }
}

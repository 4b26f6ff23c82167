import type { XattrPair } from './xattr-pair.ts';

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

/** Where the attributes of an inode come from. */
export interface XattrOwner {
  readonly xattrs: XattrSet;
  readonly metacopy: XattrPair | undefined;
  readonly redirect: XattrPair | undefined;
}

/**
 * The attributes of one inode after the other: references to shared ones first, then the others, in the order of the image both. Filled anew
 * for each inode, so that the many inodes need no lists of their own.
 */
export class XattrSequence {
  readonly #maxShared: number;
  readonly shared: XattrPair[] = [];
  readonly local: XattrPair[] = [];
  sharedCount = 0;
  localCount = 0;

  /** @param maxShared how many references an inode has at most; the rest of the shared attributes is repeated */
  constructor(maxShared: number) {
    this.#maxShared = maxShared;
  }

  load({ xattrs, metacopy, redirect }: XattrOwner): void {
    this.sharedCount = 0;
    this.localCount = 0;
    for (const pair of xattrs.beforeMetacopy) this.#add(pair);
    if (metacopy !== undefined) this.#add(metacopy);
    for (const pair of xattrs.beforeRedirect) this.#add(pair);
    if (redirect !== undefined) this.#add(redirect);
    for (const pair of xattrs.last) this.#add(pair);
  }

  #add(pair: XattrPair): void {
    if (pair.inodes > 1 && this.sharedCount < this.#maxShared) this.shared[this.sharedCount++] = pair;
    else this.local[this.localCount++] = pair;
  }
}

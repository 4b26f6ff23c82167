import { toLatin1 } from '@cfskit/binary';
import { NO_XATTRS, type ByteString, type Xattrs } from '@cfskit/fs-tree';
import type { Profile } from './format.ts';
import { OPAQUE_MARKS, unescapeXattrName, WHITEOUT_MARKS, WHITEOUTS_MARKS } from './overlay.ts';
import type { InodeXattrs, Xattr } from './read-xattrs.ts';

/** Marks of the format, which are not the tree's. Opaque marks only composefs-rs takes for such, whatever their value. */
const MARKS: Readonly<Record<Profile, ReadonlySet<ByteString>>> = {
  rs: namesOf([...WHITEOUT_MARKS, ...WHITEOUTS_MARKS, ...OPAQUE_MARKS]),
  c: namesOf([...WHITEOUT_MARKS, ...WHITEOUTS_MARKS]),
};

function namesOf(marks: typeof WHITEOUT_MARKS): ReadonlySet<ByteString> {
  return new Set(marks.map(([name]) => name));
}

/** An attribute of the tree. */
export type TreeXattr = readonly [name: ByteString, value: ByteString];

/** Turns the attributes of inodes back into those of the tree: marks are dropped, names unescaped. */
export class TreeXattrReader {
  readonly #marks: ReadonlySet<ByteString>;
  readonly #shared = new Map<Xattr, { readonly id: number; readonly pair: TreeXattr | undefined }>();
  /** By the numbers of the shared attributes: inodes that have those and no others of the tree get one map. */
  readonly #sets = new Map<string, Xattrs>([['', NO_XATTRS]]);

  constructor(profile: Profile) {
    this.#marks = MARKS[profile];
  }

  read({ shared, local }: InodeXattrs): Xattrs {
    const ids: number[] = [];
    const pairs: TreeXattr[] = [];
    for (const xattr of shared) {
      const { id, pair } = this.#sharedPair(xattr);
      if (pair === undefined) continue;
      ids.push(id);
      pairs.push(pair);
    }
    const own = this.list(local);
    return own.length > 0 ? new Map([...pairs, ...own]) : this.#set(ids.join(','), pairs);
  }

  /** The attributes of the tree among those of an inode, in the same order. */
  list(xattrs: readonly Xattr[]): TreeXattr[] {
    const pairs: TreeXattr[] = [];
    for (const xattr of xattrs) {
      const pair = this.#pair(xattr);
      if (pair !== undefined) pairs.push(pair);
    }
    return pairs;
  }

  #set(key: string, pairs: readonly TreeXattr[]): Xattrs {
    let set = this.#sets.get(key);
    if (set === undefined) {
      set = new Map(pairs);
      this.#sets.set(key, set);
    }
    return set;
  }

  #sharedPair(xattr: Xattr): { readonly id: number; readonly pair: TreeXattr | undefined } {
    let known = this.#shared.get(xattr);
    if (known === undefined) {
      known = { id: this.#shared.size, pair: this.#pair(xattr) };
      this.#shared.set(xattr, known);
    }
    return known;
  }

  #pair({ name, value }: Xattr): TreeXattr | undefined {
    const original = this.#marks.has(name) ? undefined : unescapeXattrName(name);
    return original === undefined ? undefined : [original, toLatin1(value)];
  }
}

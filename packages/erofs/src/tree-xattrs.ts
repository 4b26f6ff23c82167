import { toLatin1 } from '@cfskit/binary';
import { NO_XATTRS, type ByteString, type Xattrs } from '@cfskit/fs-tree';
import { ErofsError } from './errors.ts';
import type { Profile } from './format.ts';
import { OPAQUE_MARKS, unescapeXattrName, WHITEOUT_MARKS, WHITEOUTS_MARKS } from './overlay.ts';
import type { InodeXattrs, Xattr } from './read-xattrs.ts';

const NAME_MAX = 255;

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

  /**
   * @param offset of the inode
   * @throws {ErofsError} INVALID_XATTR
   */
  read({ shared, local }: InodeXattrs, offset: number): Xattrs {
    const ids: number[] = [];
    const pairs: TreeXattr[] = [];
    for (const xattr of shared) {
      const { id, pair } = this.#sharedPair(xattr, offset);
      if (pair === undefined) continue;
      ids.push(id);
      pairs.push(pair);
    }
    const own = this.list(local, offset);
    return own.length > 0 ? new Map([...pairs, ...own]) : this.#set(ids.join(','), pairs);
  }

  /** The attributes of the tree among those of an inode, in the same order. */
  list(xattrs: readonly Xattr[], offset: number): TreeXattr[] {
    const pairs: TreeXattr[] = [];
    for (const xattr of xattrs) {
      const pair = this.#pair(xattr, offset);
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

  #sharedPair(xattr: Xattr, offset: number): { readonly id: number; readonly pair: TreeXattr | undefined } {
    let known = this.#shared.get(xattr);
    if (known === undefined) {
      known = { id: this.#shared.size, pair: this.#pair(xattr, offset) };
      this.#shared.set(xattr, known);
    }
    return known;
  }

  #pair({ name, value }: Xattr, offset: number): TreeXattr | undefined {
    const original = this.#marks.has(name) ? undefined : unescapeXattrName(name);
    if (original === undefined) return undefined;
    if (original.length > NAME_MAX) throw new ErofsError('INVALID_XATTR', `name of ${original.length} bytes`, { offset });
    return [original, toLatin1(value)];
  }
}

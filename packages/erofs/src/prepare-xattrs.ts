import { escapeBytes, NO_XATTRS, type ByteString, type Xattrs } from '@cfskit/fs-tree';
import { algorithmOf, digestLength, type Algorithm, type ObjectId } from '@cfskit/fs-verity';
import {
  escapeXattrName,
  METACOPY,
  objectOfPath,
  OPAQUE_MARKS,
  REDIRECT,
  ROOT_MARKS,
  WHITEOUT_MARKS,
  WHITEOUTS_MARKS,
  type Marks,
} from './overlay.ts';
import type { PlanOptions } from './plan.ts';
import type { External, PlannedInode } from './planned-inode.ts';
import { repeatedObjects } from './repeated-objects.ts';
import { unwritable } from './writable.ts';
import type { ExternalPairs, XattrPair, XattrPairs } from './xattr-pair.ts';
import { EMPTY_SET, type XattrSet } from './xattr-set.ts';

/**
 * Give each inode its attributes: those of external files, the tree's own with names of overlayfs escaped, and the marks of whiteouts and of the
 * root. The tree is not changed.
 *
 * @throws {ErofsError} UNWRITABLE
 */
export function prepareXattrs(inodes: readonly PlannedInode[], pairs: XattrPairs, options: PlanOptions): void {
  const preparation = new Preparation(pairs, repeatedObjects(inodes), options);
  for (const inode of inodes) preparation.prepare(inode);
}

class Preparation {
  readonly #pairs: XattrPairs;
  /** Every other object has one inode. */
  readonly #repeated: ReadonlySet<ObjectId>;
  readonly #options: PlanOptions;
  readonly #sets = new Map<Xattrs, XattrSet>([[NO_XATTRS, EMPTY_SET]]);
  #algorithm: Algorithm | undefined;

  constructor(pairs: XattrPairs, repeated: ReadonlySet<ObjectId>, options: PlanOptions) {
    this.#pairs = pairs;
    this.#repeated = repeated;
    this.#options = options;
  }

  prepare(inode: PlannedInode): void {
    const { external } = inode;
    if (external !== undefined) inode.pairs = this.#pairsOf(inode, external);
    const marks = this.#marksOf(inode);
    inode.xattrs = marks.length === 0 ? this.#setOf(inode.stat.xattrs) : this.#newSet(inode.stat.xattrs, marks);
  }

  #pairsOf(inode: PlannedInode, content: External): ExternalPairs | undefined {
    if (content.kind !== 'external') {
      const redirect = content.kind === 'sparse' ? undefined : this.#payloadRedirect(inode, content.payload);
      return { metacopy: this.#pairs.of(METACOPY, ''), redirect };
    }
    const objectId = this.#checkId(inode, content.objectId);
    // mkcomposefs copies the payload whatever it is, composefs-rs goes by the digest.
    if (this.#options.profile === 'c' && content.payload !== undefined) {
      return { metacopy: this.#pairs.ofObject(objectId).metacopy, redirect: this.#payloadRedirect(inode, content.payload) };
    }
    return this.#repeated.has(objectId) ? this.#pairs.ofObject(objectId) : undefined;
  }

  #checkId(inode: PlannedInode, objectId: ObjectId): ObjectId {
    this.#algorithm ??= algorithmOf(objectId);
    const digits = 2 * digestLength(this.#algorithm);
    if (objectId.length === digits) return objectId;
    throw unwritable(inode, `object id ${escapeBytes(objectId)}, wanted ${digits} hex digits`);
  }

  #payloadRedirect(inode: PlannedInode, payload: ByteString): XattrPair | undefined {
    const objectId = objectOfPath(payload, this.#algorithm);
    if (this.#options.profile === 'c') {
      if (payload === '') return undefined;
      const isPath = objectId !== undefined && payload.length === objectId.length + 1;
      return isPath ? this.#pairs.ofObject(objectId).redirect : this.#pairs.of(REDIRECT, `/${payload}`);
    }
    if (objectId === undefined) throw unwritable(inode, `payload ${escapeBytes(payload)} is not the path of an object`);
    return this.#pairs.ofObject(objectId).redirect;
  }

  #marksOf(inode: PlannedInode): Marks {
    if (this.#options.version === 2) return NO_MARKS;
    if (inode.isWhiteout) return WHITEOUT_MARKS;
    const isRoot = inode.parent === inode;
    if (!isRoot && !inode.hasWhiteouts) return NO_MARKS;
    const whiteouts = this.#options.version === 1 ? [...WHITEOUTS_MARKS, ...OPAQUE_MARKS] : WHITEOUTS_MARKS;
    return [...(isRoot ? ROOT_MARKS : NO_MARKS), ...(inode.hasWhiteouts ? whiteouts : NO_MARKS)];
  }

  /** Trees have few different sets of attributes, and those who build them share the maps. */
  #setOf(xattrs: Xattrs): XattrSet {
    let set = this.#sets.get(xattrs);
    if (set === undefined) {
      set = xattrs.size === 0 ? EMPTY_SET : this.#newSet(xattrs, NO_MARKS);
      this.#sets.set(xattrs, set);
    }
    return set;
  }

  #newSet(xattrs: Xattrs, marks: Marks): XattrSet {
    const values = new Map<ByteString, ByteString>();
    for (const name of [...xattrs.keys()].toSorted()) values.set(escapeXattrName(name), xattrs.get(name)!);
    if (this.#options.version === 2) return { ...EMPTY_SET, last: this.#pairsOfValues(values) };
    // Marks replace attributes of the same name that the tree has.
    for (const [name, value] of marks) values.set(name, value);
    return cut(this.#pairsOfValues(new Map([...values].toSorted(byName))));
  }

  #pairsOfValues(values: ReadonlyMap<ByteString, ByteString>): XattrPair[] {
    return Array.from(values, ([name, value]) => this.#pairs.of(name, value));
  }
}

const NO_MARKS: Marks = [];

/** Formats 0 and 1 sort all attributes by name, those of external files among them. */
function cut(sorted: readonly XattrPair[]): XattrSet {
  const before = (end: ByteString) => sorted.filter(({ name }) => name.name < end).length;
  const [metacopy, redirect] = [before(METACOPY), before(REDIRECT)];
  return { beforeMetacopy: sorted.slice(0, metacopy), beforeRedirect: sorted.slice(metacopy, redirect), last: sorted.slice(redirect) };
}

function byName([a]: readonly [ByteString, ByteString], [b]: readonly [ByteString, ByteString]): number {
  return a < b ? -1 : 1;
}

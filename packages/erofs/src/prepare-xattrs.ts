import { escapeBytes, type ByteString, type Xattrs } from '@cfskit/fs-tree';
import { algorithmOf, digestLength, objectPath, type Algorithm, type ObjectId } from '@cfskit/fs-verity';
import type { PlanOptions } from './plan.ts';
import {
  escapeXattrName,
  METACOPY,
  objectOfPath,
  REDIRECT,
  ROOT_MARKS,
  OPAQUE_MARKS,
  WHITEOUT_MARKS,
  WHITEOUTS_MARKS,
} from './overlay.ts';
import type { External, PlannedInode } from './planned-inode.ts';
import { unwritable } from './writable.ts';
import type { XattrPair, XattrPairs } from './xattr-pair.ts';

/**
 * Give each inode its attributes: those of external files, the tree's own with names of overlayfs escaped, and the marks of whiteouts and of the
 * root. The tree is not changed.
 *
 * @throws {ErofsError} UNWRITABLE
 */
export function prepareXattrs(inodes: readonly PlannedInode[], pairs: XattrPairs, options: PlanOptions): void {
  const preparation = new Preparation(pairs, options);
  for (const inode of inodes) inode.xattrs = preparation.xattrsOf(inode);
}

class Preparation {
  readonly #pairs: XattrPairs;
  readonly #options: PlanOptions;
  #algorithm: Algorithm | undefined;

  constructor(pairs: XattrPairs, options: PlanOptions) {
    this.#pairs = pairs;
    this.#options = options;
  }

  xattrsOf(inode: PlannedInode): readonly XattrPair[] {
    const own = inode.stat.xattrs;
    const xattrs = inode.external === undefined ? [] : this.#externalXattrs(inode, inode.external);
    if (own.size > 0) for (const name of namesOf(own)) xattrs.push(this.#pairs.of(escapeXattrName(name), own.get(name)!));
    if (this.#options.version === 2) return xattrs;
    this.#addMarks(inode, xattrs);
    // Most have none, or the two of an external file, in order.
    return xattrs.length > 1 && inode.external === undefined || xattrs.length > 2 ? xattrs.toSorted(byName) : xattrs;
  }

  #externalXattrs(inode: PlannedInode, content: External): XattrPair[] {
    if (content.kind === 'external') return [this.#metacopy(inode, content.objectId), ...this.#redirect(inode, content)];
    const unverified = this.#pairs.of(METACOPY, '');
    return content.kind === 'sparse' ? [unverified] : [unverified, ...this.#redirect(inode, content)];
  }

  #metacopy(inode: PlannedInode, objectId: ObjectId): XattrPair {
    this.#algorithm ??= algorithmOf(objectId);
    const digits = 2 * digestLength(this.#algorithm);
    if (objectId.length !== digits) throw unwritable(inode, `object id of ${objectId.length} hex digits, others have ${digits}`);
    return this.#pairs.metacopy(objectId, this.#algorithm);
  }

  #redirect(inode: PlannedInode, content: Exclude<External, { kind: 'sparse' }>): XattrPair[] {
    if (this.#options.profile === 'c') {
      const payload = content.kind === 'external' ? (content.payload ?? objectPath(content.objectId)) : content.payload;
      return payload === '' ? [] : [this.#pairs.of(REDIRECT, `/${payload}`)];
    }
    const objectId = content.kind === 'external' ? content.objectId : objectOfPath(content.payload, this.#algorithm);
    if (objectId === undefined) throw unwritable(inode, `payload ${escapeBytes(content.payload ?? '')} is not the path of an object`);
    return [this.#pairs.redirect(objectId)];
  }

  #addMarks(inode: PlannedInode, xattrs: XattrPair[]): void {
    if (inode.parent === inode) this.#set(xattrs, ROOT_MARKS);
    if (inode.whiteout) this.#set(xattrs, WHITEOUT_MARKS);
    if (!inode.hasWhiteouts) return;
    this.#set(xattrs, WHITEOUTS_MARKS);
    if (this.#options.version === 1) this.#set(xattrs, OPAQUE_MARKS);
  }

  /** Marks replace attributes of the same name that the tree has. */
  #set(xattrs: XattrPair[], marks: readonly (readonly [ByteString, ByteString])[]): void {
    for (const [name, value] of marks) {
      const index = xattrs.findIndex((pair) => pair.name.name === name);
      xattrs.splice(index < 0 ? xattrs.length : index, 1, this.#pairs.of(name, value));
    }
  }
}

function namesOf(xattrs: Xattrs): readonly ByteString[] {
  return xattrs.size === 1 ? [...xattrs.keys()] : [...xattrs.keys()].toSorted();
}

function byName(a: XattrPair, b: XattrPair): number {
  return a.name.name < b.name.name ? -1 : 1;
}

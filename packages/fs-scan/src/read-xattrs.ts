import { toLatin1 } from '@cfskit/binary';
import { NO_XATTRS, type ByteString, type Xattrs } from '@cfskit/fs-tree';
import { getXattr, listXattrs } from '@cfskit/linux';
import { changed, reading } from './errors.ts';

/** Name and value of each extended attribute. */
export type XattrList = readonly (readonly [ByteString, ByteString])[];

/**
 * All extended attributes that this user can see.
 *
 * @param target a descriptor, or a path whose last component is not followed
 * @param path for errors
 * @throws {FsScanError} CHANGED, UNREADABLE
 */
export function readXattrs(target: number | Uint8Array, path: ByteString): XattrList {
  const names = reading(path, () => listXattrs(target));
  if (names === 'unsupported' || names.length === 0) return NONE;
  const list: [ByteString, ByteString][] = [];
  for (const name of names) {
    const value = reading(path, () => getXattr(target, name));
    if (value === undefined) throw changed(path, 'an extended attribute was removed while it was scanned');
    // Some file systems list names of a namespace that they then refuse.
    if (value !== 'unsupported') list.push([toLatin1(name), toLatin1(value)]);
  }
  return list;
}

/** Sets of attributes, each of them once: most files of a system have the same few. */
export class XattrSets {
  readonly #sets = new Map<string, Xattrs>();

  /** The set with these attributes. */
  of(list: XattrList): Xattrs {
    if (list.length === 0) return NO_XATTRS;
    const sorted = list.toSorted(([a], [b]) => (a < b ? -1 : 1));
    const key = JSON.stringify(sorted);
    let set = this.#sets.get(key);
    if (set === undefined) this.#sets.set(key, (set = new Map(sorted)));
    return set;
  }
}

const NONE: XattrList = [];

import type { ByteString } from '@cfskit/fs-tree';
import { digestLength, type Algorithm, type ObjectId } from '@cfskit/fs-verity';
import type { FormatVersion } from './format.ts';
import { METACOPY, metacopySize, REDIRECT } from './overlay.ts';
import { filterBit, splitXattrName } from './xattr-name.ts';
import { xattrEntrySize } from './xattr-layout.ts';

/** A name that occurs in the image. */
export interface XattrName {
  readonly name: ByteString;
  readonly index: number;
  readonly suffix: ByteString;
  readonly filterBit: number;
  readonly pairs: Map<ByteString, XattrPair>;
}

/** A name with a value, the same object wherever the two occur together. */
export class XattrPair {
  readonly name: XattrName;
  /** The value; for digests and paths of objects, the object's id. */
  readonly value: ByteString;
  readonly form: 'bytes' | 'metacopy' | 'redirect';
  readonly valueSize: number;
  readonly entrySize: number;
  /** How many inodes have it. */
  inodes = 0;
  /** From the start of the shared table, if it is in there. */
  tableOffset = -1;

  constructor(name: XattrName, value: ByteString, form: XattrPair['form'], valueSize: number) {
    this.name = name;
    this.value = value;
    this.form = form;
    this.valueSize = valueSize;
    this.entrySize = xattrEntrySize(name.suffix.length, valueSize);
  }
}

/** Every name and every pair of an image, once. */
export class XattrPairs {
  readonly #version: FormatVersion;
  readonly #names = new Map<ByteString, XattrName>();
  readonly #metacopy: XattrName;
  readonly #redirect: XattrName;

  constructor(version: FormatVersion) {
    this.#version = version;
    this.#metacopy = this.#nameOf(METACOPY);
    this.#redirect = this.#nameOf(REDIRECT);
  }

  of(name: ByteString, value: ByteString): XattrPair {
    return pairOf(this.#nameOf(name), value, 'bytes', value.length);
  }

  /** The digest to expect. */
  metacopy(objectId: ObjectId, algorithm: Algorithm): XattrPair {
    return pairOf(this.#metacopy, objectId, 'metacopy', metacopySize(digestLength(algorithm)));
  }

  /** The path of an object: a slash, two digits, a slash, the other digits. */
  redirect(objectId: ObjectId): XattrPair {
    return pairOf(this.#redirect, objectId, 'redirect', objectId.length + 2);
  }

  #nameOf(name: ByteString): XattrName {
    let known = this.#names.get(name);
    if (known === undefined) {
      const split = splitXattrName(name, this.#version);
      known = { name, ...split, filterBit: filterBit(split), pairs: new Map() };
      this.#names.set(name, known);
    }
    return known;
  }

  /** Every name that has been asked for. */
  names(): Iterable<XattrName> {
    return this.#names.values();
  }
}

function pairOf(name: XattrName, value: ByteString, form: XattrPair['form'], valueSize: number): XattrPair {
  let pair = name.pairs.get(value);
  if (pair === undefined) {
    pair = new XattrPair(name, value, form, valueSize);
    name.pairs.set(value, pair);
  }
  return pair;
}

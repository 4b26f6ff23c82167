import type { ByteString } from '@cfskit/fs-tree';
import { objectPath, type ObjectId } from '@cfskit/fs-verity';
import type { FormatVersion } from './format.ts';
import { METACOPY, metacopySize, REDIRECT } from './overlay.ts';
import { xattrEntrySize } from './xattr-layout.ts';
import { filterBit, splitXattrName } from './xattr-name.ts';

/** How the value of a pair is to be taken: as it is, or as an object id that stands for its digest or its path. */
export type ValueForm = 'bytes' | 'metacopy' | 'redirect';

/** A name that occurs in the image, with one form of values. */
export interface XattrName {
  readonly name: ByteString;
  readonly index: number;
  readonly suffix: ByteString;
  readonly filterBit: number;
  readonly form: ValueForm;
}

/** A name with a value: the same object wherever the two occur together, unless it is known that they occur once. */
export class XattrPair {
  readonly name: XattrName;
  /** The value, or the object id that stands for it. */
  readonly value: ByteString;
  /** How many inodes have it. */
  inodes = 0;
  /** From the start of the shared table, if it is in there. */
  tableOffset = -1;

  constructor(name: XattrName, value: ByteString) {
    this.name = name;
    this.value = value;
  }
}

/** Bytes of the value. */
export function valueSize({ name, value }: XattrPair): number {
  switch (name.form) {
    case 'metacopy':
      return metacopySize(value.length / 2);
    case 'redirect':
      return value.length + 2;
    default:
      return value.length;
  }
}

/** Bytes of the entry. */
export function pairSize(pair: XattrPair): number {
  return xattrEntrySize(pair.name.suffix.length, valueSize(pair));
}

/** The path of an object as a redirect has it. */
export function redirectOf(objectId: ObjectId): ByteString {
  return `/${objectPath(objectId)}`;
}

/** What overlayfs needs to know of an object. */
export interface ObjectPairs {
  /** The digest to expect. */
  readonly metacopy: XattrPair;
  /** A slash, two digits, a slash, the other digits. */
  readonly redirect: XattrPair;
}

/** The attributes of an external file; one without a path has no redirect. */
export interface ExternalPairs {
  readonly metacopy: XattrPair;
  readonly redirect: XattrPair | undefined;
}

/** Every name and every pair of an image, once. */
export class XattrPairs {
  readonly #version: FormatVersion;
  readonly #names = new Map<ByteString, { readonly name: XattrName; readonly pairs: Map<ByteString, XattrPair> }>();
  readonly #objects = new Map<ObjectId, ObjectPairs>();
  readonly #metacopy: XattrName;
  readonly #redirect: XattrName;

  constructor(version: FormatVersion) {
    this.#version = version;
    this.#metacopy = this.#newName(METACOPY, 'metacopy');
    this.#redirect = this.#newName(REDIRECT, 'redirect');
  }

  /** A pair with a value as it is. For paths of objects {@link ofObject} must be used. */
  of(name: ByteString, value: ByteString): XattrPair {
    let known = this.#names.get(name);
    if (known === undefined) {
      known = { name: this.#newName(name, 'bytes'), pairs: new Map() };
      this.#names.set(name, known);
    }
    let pair = known.pairs.get(value);
    if (pair === undefined) {
      pair = new XattrPair(known.name, value);
      known.pairs.set(value, pair);
    }
    return pair;
  }

  ofObject(objectId: ObjectId): ObjectPairs {
    let pairs = this.#objects.get(objectId);
    if (pairs === undefined) {
      pairs = this.ofSingleObject(objectId);
      this.#objects.set(objectId, pairs);
    }
    return pairs;
  }

  /** Those of an object that one inode refers to, and no more than once: made anew whenever they are needed, which is most of the memory of an image. */
  ofSingleObject(objectId: ObjectId): ObjectPairs {
    return { metacopy: new XattrPair(this.#metacopy, objectId), redirect: new XattrPair(this.#redirect, objectId) };
  }

  /** Every name of a pair with a value as it is. */
  *names(): Generator<XattrName, void> {
    for (const { name } of this.#names.values()) yield name;
  }

  /** The pairs that more than one inode has. */
  shared(): XattrPair[] {
    const shared: XattrPair[] = [];
    const add = (pair: XattrPair): void => {
      if (pair.inodes > 1) shared.push(pair);
    };
    for (const { pairs } of this.#names.values()) for (const pair of pairs.values()) add(pair);
    for (const { metacopy, redirect } of this.#objects.values()) {
      add(metacopy);
      add(redirect);
    }
    return shared;
  }

  #newName(name: ByteString, form: ValueForm): XattrName {
    const split = splitXattrName(name, this.#version);
    return { name, ...split, filterBit: filterBit(split), form };
  }
}

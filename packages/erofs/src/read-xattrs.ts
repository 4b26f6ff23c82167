import { toLatin1 } from '@cfskit/binary';
import type { ByteString } from '@cfskit/fs-tree';
import { u16At, u32At } from './byte-source.ts';
import { ErofsError } from './errors.ts';
import type { ErofsImage } from './image.ts';
import { unescapeXattrName } from './overlay.ts';
import type { Inode } from './read-inode.ts';
import { XATTR_UNIT, xattrEntry, xattrEntrySize, xattrHeader } from './xattr-layout.ts';
import { filterBit, xattrPrefix } from './xattr-name.ts';

/** An attribute of an inode as it is in an image. */
export interface Xattr {
  readonly name: ByteString;
  /** A view into the image. */
  readonly value: Uint8Array;
  /** The bit of the name that the filter of the inode clears. */
  readonly filterBit: number;
}

/** The attributes of an inode, in the order of the image. */
export interface InodeXattrs {
  readonly filter: number;
  readonly shared: readonly Xattr[];
  readonly local: readonly Xattr[];
}

const NO_XATTRS: InodeXattrs = { filter: 0xffffffff, shared: [], local: [] };

const NAME_MAX = 255;

/** Names that are remembered of one prefix and length. Images have few names; hostile ones have many. */
const NAMES_PER_LENGTH = 16;

interface KnownName {
  readonly suffix: Uint8Array;
  readonly name: ByteString;
  readonly filterBit: number;
}

/** Reads the attributes of the inodes of one image. Shared ones are read once. */
export class XattrReader {
  readonly #image: ErofsImage;
  readonly #shared = new Map<number, Xattr>();
  readonly #names = new Map<number, KnownName[]>();
  /** Bytes of all shared entries that have been read. No two of them have bytes in common in an image that some writer made. */
  #sharedSize = 0;

  constructor(image: ErofsImage) {
    this.#image = image;
  }

  /** @throws {ErofsError} INVALID_XATTR, OUT_OF_BOUNDS, OVERLAP */
  read({ xattrOffset: offset, xattrSize: size }: Inode): InodeXattrs {
    if (size === 0) return NO_XATTRS;
    const area = this.#image.bytes.take(offset, size);
    const sharedCount = area[xattrHeader.offsets.sharedCount]!;
    const localStart = xattrHeader.size + sharedCount * XATTR_UNIT;
    if (localStart > size) throw new ErofsError('INVALID_XATTR', `${sharedCount} references in ${size} bytes`, { offset });
    const shared: Xattr[] = [];
    for (let at = xattrHeader.size; at < localStart; at += XATTR_UNIT) shared.push(this.#sharedEntry(u32At(area, at), offset + at));
    const local = this.#localEntries(area, localStart, offset);
    checkNames(shared, local, offset);
    return { filter: u32At(area, xattrHeader.offsets.nameFilter), shared, local };
  }

  #localEntries(area: Uint8Array, start: number, offset: number): Xattr[] {
    const entries: Xattr[] = [];
    let at = start;
    while (at < area.length) {
      if (at + xattrEntry.size > area.length)
        throw new ErofsError('INVALID_XATTR', 'entry behind the end of its area', { offset: offset + at });
      const size = entrySize(area, at);
      if (at + size > area.length) throw new ErofsError('INVALID_XATTR', 'entry behind the end of its area', { offset: offset + at });
      entries.push(this.#entry(area, at, offset + at));
      at += size;
    }
    return entries;
  }

  #sharedEntry(reference: number, offset: number): Xattr {
    const known = this.#shared.get(reference);
    if (known !== undefined) return known;
    const { bytes, xattrBase, size: imageSize } = this.#image;
    const at = xattrBase + reference * XATTR_UNIT;
    const size = entrySize(bytes.take(at, xattrEntry.size), 0);
    this.#sharedSize += size;
    if (this.#sharedSize > imageSize) throw new ErofsError('OVERLAP', 'shared attributes that overlap', { offset });
    const entry = this.#entry(bytes.take(at, size), 0, at);
    this.#shared.set(reference, entry);
    return entry;
  }

  #entry(bytes: Uint8Array, at: number, offset: number): Xattr {
    const nameLen = bytes[at + xattrEntry.offsets.nameLen]!;
    const valueSize = u16At(bytes, at + xattrEntry.offsets.valueSize);
    const suffixStart = at + xattrEntry.size;
    const valueStart = suffixStart + nameLen;
    const { name, filterBit: bit } = this.#name(bytes[at + xattrEntry.offsets.nameIndex]!, bytes.subarray(suffixStart, valueStart), offset);
    return { name, value: bytes.subarray(valueStart, valueStart + valueSize), filterBit: bit };
  }

  #name(index: number, suffix: Uint8Array, offset: number): KnownName {
    const key = index * 256 + suffix.length;
    const names = this.#names.get(key) ?? [];
    const known = names.find((candidate) => isSame(candidate.suffix, suffix));
    if (known !== undefined) return known;
    const name = parseName(index, suffix, offset);
    if (names.length === 0) this.#names.set(key, names);
    if (names.length < NAMES_PER_LENGTH) names.push(name);
    return name;
  }
}

function entrySize(bytes: Uint8Array, at: number): number {
  return xattrEntrySize(bytes[at + xattrEntry.offsets.nameLen]!, u16At(bytes, at + xattrEntry.offsets.valueSize));
}

function parseName(index: number, suffix: Uint8Array, offset: number): KnownName {
  const prefix = xattrPrefix(index);
  if (prefix === undefined) throw new ErofsError('INVALID_XATTR', `unknown name prefix ${index}`, { offset });
  const text = toLatin1(suffix);
  const name = prefix + text;
  // Escaping makes names longer; trees have them as they were.
  const { length } = unescapeXattrName(name) ?? name;
  if (length === 0 || length > NAME_MAX || text.includes('\0')) {
    throw new ErofsError('INVALID_XATTR', `name of ${length} bytes, wanted 1 to ${NAME_MAX} without NUL`, { offset });
  }
  return { suffix: suffix.slice(), name, filterBit: filterBit({ index, suffix: text }) };
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

function checkNames(shared: readonly Xattr[], local: readonly Xattr[], offset: number): void {
  const count = shared.length + local.length;
  if (count < 2) return;
  const names = new Set<ByteString>();
  for (const { name } of shared) names.add(name);
  for (const { name } of local) names.add(name);
  if (names.size < count) throw new ErofsError('INVALID_XATTR', 'two attributes with one name', { offset });
}

import { algorithmOf } from '@cfskit/fs-verity';
import { BLOCK } from './format.ts';
import type { ImageLayout } from './image-layout.ts';
import { metacopyHeader } from './overlay.ts';
import type { PlannedInode } from './planned-inode.ts';
import { putHex, putLatin1 } from './write-bytes.ts';
import { XATTR_UNIT, xattrEntry, xattrHeader } from './xattr-layout.ts';
import type { XattrPair } from './xattr-pair.ts';

const SLASH = 0x2f;

/** Writes the xattr areas of inodes, and the table that they refer to. */
export class XattrWriter {
  readonly #image: Uint8Array;
  readonly #view: DataView;
  readonly #layout: ImageLayout;
  /** Where the table would start if references were offsets into it, in bytes. */
  readonly #referenceBase: number;

  constructor(image: Uint8Array, view: DataView, layout: ImageLayout) {
    this.#image = image;
    this.#view = view;
    this.#layout = layout;
    this.#referenceBase = layout.version === 2 ? layout.inodesEnd : layout.inodesEnd % BLOCK;
  }

  /** The shared entries, one after the other. */
  writeTable(): void {
    for (const pair of this.#layout.sharedPairs) this.#entry(pair, this.#layout.inodesEnd + pair.tableOffset);
  }

  /** The area of an inode, at `start`: filter, references, entries of its own. */
  write({ xattrs, sharedCount }: PlannedInode, start: number): void {
    let present = 0;
    for (const pair of xattrs) present |= pair.name.filterBit;
    this.#view.setUint32(start + xattrHeader.offsets.nameFilter, ~present >>> 0, true);
    this.#view.setUint8(start + xattrHeader.offsets.sharedCount, sharedCount);
    let at = start + xattrHeader.size;
    for (let index = 0; index < xattrs.length; index++) {
      const pair = xattrs[index]!;
      if (index < sharedCount) {
        this.#view.setUint32(at, (this.#referenceBase + pair.tableOffset) / XATTR_UNIT, true);
        at += XATTR_UNIT;
      } else {
        this.#entry(pair, at);
        at += pair.entrySize;
      }
    }
  }

  #entry(pair: XattrPair, at: number): void {
    const { index, suffix } = pair.name;
    this.#view.setUint8(at + xattrEntry.offsets.nameLen, suffix.length);
    this.#view.setUint8(at + xattrEntry.offsets.nameIndex, index);
    this.#view.setUint16(at + xattrEntry.offsets.valueSize, pair.valueSize, true);
    putLatin1(this.#image, at + xattrEntry.size, suffix);
    this.#value(pair, at + xattrEntry.size + suffix.length);
  }

  #value({ form, value }: XattrPair, at: number): void {
    if (form === 'metacopy') this.#metacopy(value, at);
    else if (form === 'redirect') this.#redirect(value, at);
    else putLatin1(this.#image, at, value);
  }

  #metacopy(objectId: string, at: number): void {
    const header = metacopyHeader(algorithmOf(objectId), objectId.length / 2);
    this.#image.set(header, at);
    putHex(this.#image, at + header.length, objectId);
  }

  #redirect(objectId: string, at: number): void {
    this.#image[at] = SLASH;
    putLatin1(this.#image, at + 1, objectId.slice(0, 2));
    this.#image[at + 3] = SLASH;
    putLatin1(this.#image, at + 4, objectId.slice(2));
  }
}

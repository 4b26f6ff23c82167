import { chunkEntries } from './place.ts';
import { dirent } from './dirent.ts';
import { splitDirectory } from './directory-blocks.ts';
import { HOLE } from './chunk.ts';
import { BLOCK, SLOT } from './format.ts';
import type { ImageLayout } from './image-layout.ts';
import { CHUNK_BASED, compactInode, EXTENDED, extendedInode, headerSize } from './inode-layout.ts';
import type { PlannedInode } from './planned-inode.ts';
import { putLatin1 } from './write-bytes.ts';
import { XattrWriter } from './write-xattrs.ts';
import { xattrIcount } from './xattr-layout.ts';

/**
 * Writes inodes, and what belongs to them, at the places that they have been given. Fields are set one by one, at the offsets of the tables:
 * an inode through its table takes as long as ten this way, and a test compares the two.
 */
export class InodeWriter {
  readonly #image: Uint8Array;
  readonly #view: DataView;
  readonly #layout: ImageLayout;
  readonly #xattrs: XattrWriter;

  constructor(image: Uint8Array, layout: ImageLayout) {
    this.#image = image;
    this.#view = new DataView(image.buffer, image.byteOffset, image.byteLength);
    this.#layout = layout;
    this.#xattrs = new XattrWriter(image, this.#view, layout);
  }

  writeAll(): void {
    this.#xattrs.writeTable();
    for (const inode of this.#layout.inodes) this.#write(inode);
  }

  #write(inode: PlannedInode): void {
    if (inode.extended) this.#extended(inode);
    else this.#compact(inode);
    const body = inode.position + headerSize(inode.extended);
    if (inode.xattrSize > 0) this.#xattrs.write(inode, body);
    this.#data(inode, body + inode.xattrSize);
  }

  #extended(inode: PlannedInode): void {
    const view = this.#view;
    const at = inode.position;
    const { offsets } = extendedInode;
    const { uid, gid, mtime } = inode.stat;
    this.#common(inode, at, (inode.layout << 1) | EXTENDED);
    view.setUint32(at + offsets.size, inode.size % 2 ** 32, true);
    view.setUint32(at + offsets.size + 4, Math.floor(inode.size / 2 ** 32), true);
    view.setUint32(at + offsets.u, this.#u(inode), true);
    view.setUint32(at + offsets.ino, inode.ino, true);
    view.setUint32(at + offsets.uid, uid, true);
    view.setUint32(at + offsets.gid, gid, true);
    view.setBigInt64(at + offsets.mtime, mtime.seconds, true);
    if (this.#layout.version < 2) view.setUint32(at + offsets.mtimeNsec, mtime.nanoseconds, true);
    view.setUint32(at + offsets.nlink, inode.nlink, true);
  }

  #compact(inode: PlannedInode): void {
    const view = this.#view;
    const at = inode.position;
    const { offsets } = compactInode;
    this.#common(inode, at, inode.layout << 1);
    view.setUint16(at + offsets.nlink, inode.nlink, true);
    view.setUint32(at + offsets.size, inode.size, true);
    view.setUint32(at + offsets.u, this.#u(inode), true);
    view.setUint32(at + offsets.ino, inode.ino, true);
    view.setUint16(at + offsets.uid, inode.stat.uid, true);
    view.setUint16(at + offsets.gid, inode.stat.gid, true);
  }

  /** The fields that both kinds of inodes begin with. */
  #common(inode: PlannedInode, at: number, format: number): void {
    const view = this.#view;
    const { offsets } = compactInode;
    view.setUint16(at + offsets.format, format, true);
    view.setUint16(at + offsets.xattrIcount, xattrIcount(inode.xattrSize), true);
    view.setUint16(at + offsets.mode, inode.mode, true);
  }

  #u(inode: PlannedInode): number {
    if (inode.kind === 'character-device' || inode.kind === 'block-device') return inode.rdev;
    const block = inode.blockCount === 0 ? 0 : this.#firstBlock(inode);
    // A promoted block map shares the field with the chunk format, and only the upper half of its place is there.
    if (inode.layout === CHUNK_BASED) return ((block & ~0xffff) | inode.chunkFormat) >>> 0;
    return block;
  }

  #firstBlock(inode: PlannedInode): number {
    return this.#layout.dataStart / BLOCK + inode.firstBlock;
  }

  /** What follows the attributes, and what is in blocks. */
  #data(inode: PlannedInode, tail: number): void {
    const blocks = this.#firstBlock(inode) * BLOCK;
    switch (inode.kind) {
      case 'directory':
        return this.#directory(inode, blocks, tail);
      case 'symlink':
        return putLatin1(this.#image, inode.tailSize > 0 ? tail : blocks, inode.target);
      case 'file':
        return inode.layout === CHUNK_BASED ? this.#blockMap(inode, blocks, tail) : this.#content(inode, blocks, tail);
      default:
    }
  }

  #blockMap(inode: PlannedInode, blocks: number, tail: number): void {
    const start = inode.tailSize > 0 ? tail : blocks;
    for (let entry = 0; entry < chunkEntries(inode); entry++) this.#view.setUint32(start + 4 * entry, HOLE, true);
  }

  #content({ bytes, tailSize }: PlannedInode, blocks: number, tail: number): void {
    const cut = bytes.length - tailSize;
    if (cut > 0) this.#image.set(bytes.subarray(0, cut), blocks);
    if (tailSize > 0) this.#image.set(bytes.subarray(cut), tail);
  }

  #directory(inode: PlannedInode, blocks: number, tail: number): void {
    let first = 0;
    let at = blocks;
    for (const end of splitDirectory(inode.entryNames).ends) {
      this.#entries(inode, first, end, at);
      first = end;
      at += BLOCK;
    }
    if (first < inode.entryNames.length) this.#entries(inode, first, inode.entryNames.length, tail);
  }

  /** One block of a directory: all records, then all names. */
  #entries({ entryNames, entryInodes }: PlannedInode, first: number, end: number, start: number): void {
    const view = this.#view;
    const { offsets } = dirent;
    let record = start;
    let nameoff = (end - first) * dirent.size;
    for (let index = first; index < end; index++) {
      const name = entryNames[index]!;
      const inode = entryInodes[index]!;
      view.setUint32(record + offsets.nid, inode.position / SLOT, true);
      view.setUint16(record + offsets.nameoff, nameoff, true);
      view.setUint8(record + offsets.fileType, inode.fileType);
      putLatin1(this.#image, start + nameoff, name);
      record += dirent.size;
      nameoff += name.length;
    }
  }
}

import { chunkEntries, layoutOf } from './place.ts';
import { dirent } from './dirent.ts';
import { splitDirectory } from './directory-blocks.ts';
import { chunkFormat, HOLE, V2_CHUNK_FORMAT } from './chunk.ts';
import { BLOCK, SLOT, type FormatVersion } from './format.ts';
import type { ImageLayout } from './image-layout.ts';
import { CHUNK_BASED, compactInode, EXTENDED, extendedInode, headerSize } from './inode-layout.ts';
import type { Entries, PlannedInode } from './planned-inode.ts';
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
    const { inodes, version, dataStart } = this.#layout;
    let block = dataStart / BLOCK;
    for (let index = 0; index < inodes.length; index++) {
      const inode = inodes[index]!;
      const ino = version === 2 ? inode.position / SLOT : index;
      this.#write(inode, ino, block);
      block += inode.blockCount;
    }
  }

  #write(inode: PlannedInode, ino: number, block: number): void {
    const layout = layoutOf(inode);
    const u = valueOfU(inode, layout, block, this.#layout.version);
    if (inode.extended) this.#extended(inode, layout, ino, u);
    else this.#compact(inode, layout, ino, u);
    const body = inode.position + headerSize(inode.extended);
    if (inode.xattrSize > 0) this.#xattrs.write(inode, body);
    this.#data(inode, block * BLOCK, body + inode.xattrSize);
  }

  #extended(inode: PlannedInode, layout: number, ino: number, u: number): void {
    const view = this.#view;
    const at = inode.position;
    const { offsets } = extendedInode;
    const { uid, gid, mtime } = inode.stat;
    this.#common(inode, at, (layout << 1) | EXTENDED);
    view.setUint32(at + offsets.size, inode.size % 2 ** 32, true);
    view.setUint32(at + offsets.size + 4, Math.floor(inode.size / 2 ** 32), true);
    view.setUint32(at + offsets.u, u, true);
    view.setUint32(at + offsets.ino, ino, true);
    view.setUint32(at + offsets.uid, uid, true);
    view.setUint32(at + offsets.gid, gid, true);
    view.setBigInt64(at + offsets.mtime, mtime.seconds, true);
    if (this.#layout.version < 2) view.setUint32(at + offsets.mtimeNsec, mtime.nanoseconds, true);
    view.setUint32(at + offsets.nlink, inode.nlink, true);
  }

  #compact(inode: PlannedInode, layout: number, ino: number, u: number): void {
    const view = this.#view;
    const at = inode.position;
    const { offsets } = compactInode;
    this.#common(inode, at, layout << 1);
    view.setUint16(at + offsets.nlink, inode.nlink, true);
    view.setUint32(at + offsets.size, inode.size, true);
    view.setUint32(at + offsets.u, u, true);
    view.setUint32(at + offsets.ino, ino, true);
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

  /** What follows the attributes, and what is in blocks. */
  #data(inode: PlannedInode, blocks: number, tail: number): void {
    const { node, entries, inlineBytes, external, tailSize } = inode;
    if (entries !== undefined) this.#directory(entries, blocks, tail);
    else if (node.kind === 'symlink') putLatin1(this.#image, tailSize > 0 ? tail : blocks, node.target);
    else if (inlineBytes !== undefined) this.#content(inlineBytes, tailSize, blocks, tail);
    else if (external !== undefined) this.#blockMap(chunkEntries(inode), tailSize > 0 ? tail : blocks);
  }

  #blockMap(count: number, start: number): void {
    for (let index = 0; index < count; index++) this.#view.setUint32(start + 4 * index, HOLE, true);
  }

  #content(bytes: Uint8Array, tailSize: number, blocks: number, tail: number): void {
    const cut = bytes.length - tailSize;
    if (cut > 0) this.#image.set(bytes.subarray(0, cut), blocks);
    if (tailSize > 0) this.#image.set(bytes.subarray(cut), tail);
  }

  #directory(entries: Entries, blocks: number, tail: number): void {
    let first = 0;
    let at = blocks;
    for (const end of splitDirectory(entries.names).ends) {
      this.#entries(entries, first, end, at);
      first = end;
      at += BLOCK;
    }
    this.#entries(entries, first, entries.names.length, tail);
  }

  /** One block of a directory: all records, then all names. */
  #entries({ names, inodes }: Entries, first: number, end: number, start: number): void {
    const view = this.#view;
    const { offsets } = dirent;
    let record = start;
    let nameoff = (end - first) * dirent.size;
    for (let index = first; index < end; index++) {
      const name = names[index]!;
      const inode = inodes[index]!;
      view.setUint32(record + offsets.nid, inode.position / SLOT, true);
      view.setUint16(record + offsets.nameoff, nameoff, true);
      view.setUint8(record + offsets.fileType, inode.fileType);
      putLatin1(this.#image, start + nameoff, name);
      record += dirent.size;
      nameoff += name.length;
    }
  }
}

/** i_u: a device number, the first data block, or how an external file is divided. */
function valueOfU({ node, size, blockCount }: PlannedInode, layout: number, block: number, version: FormatVersion): number {
  if (layout === CHUNK_BASED) {
    const format = version === 2 ? V2_CHUNK_FORMAT : chunkFormat(size);
    // A promoted block map shares the field with the chunk format, and only the upper half of its place is there.
    return blockCount === 0 ? format : ((block & ~0xffff) | format) >>> 0;
  }
  // A whiteout has number 0, also where it is written as a file.
  if (node.kind === 'character-device' || node.kind === 'block-device') return node.rdev;
  return blockCount === 0 ? 0 : block;
}

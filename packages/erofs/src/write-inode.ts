import { chunkEntries, layoutOf } from './place.ts';
import { dirent } from './dirent.ts';
import { splitDirectory } from './directory-blocks.ts';
import { chunkFormat, HOLE, V2_CHUNK_FORMAT } from './chunk.ts';
import { BLOCK, SLOT, type FormatVersion } from './format.ts';
import type { ImageBuffer } from './image-buffer.ts';
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
  readonly #buffer: ImageBuffer;
  readonly #image: Uint8Array;
  readonly #view: DataView;
  readonly #layout: ImageLayout;
  readonly #xattrs: XattrWriter;

  constructor(buffer: ImageBuffer, layout: ImageLayout) {
    this.#buffer = buffer;
    this.#image = buffer.bytes;
    this.#view = buffer.view;
    this.#layout = layout;
    this.#xattrs = new XattrWriter(buffer, layout);
  }

  /** From the first inode to the last block, in the order of the image. */
  writeAll(): void {
    const { inodes, version, dataStart } = this.#layout;
    let block = dataStart / BLOCK;
    for (let index = 0; index < inodes.length; index++) {
      const inode = inodes[index]!;
      const ino = version === 2 ? inode.position / SLOT : index;
      this.#write(inode, ino, block);
      block += inode.blockCount;
    }
    this.#xattrs.writeTable();
    let position = dataStart;
    for (const inode of inodes) {
      if (inode.blockCount === 0) continue;
      this.#blocks(inode, position);
      position += inode.blockCount * BLOCK;
    }
  }

  #write(inode: PlannedInode, ino: number, block: number): void {
    const layout = layoutOf(inode);
    const u = valueOfU(inode, layout, block, this.#layout.version);
    const header = headerSize(inode.extended);
    const at = this.#buffer.room(inode.position, header + inode.xattrSize + inode.tailSize);
    if (inode.extended) this.#extended(inode, at, layout, ino, u);
    else this.#compact(inode, at, layout, ino, u);
    if (inode.xattrSize > 0) this.#xattrs.write(inode, at + header);
    if (inode.tailSize > 0) this.#tail(inode, at + header + inode.xattrSize);
  }

  #extended(inode: PlannedInode, at: number, layout: number, ino: number, u: number): void {
    const view = this.#view;
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

  #compact(inode: PlannedInode, at: number, layout: number, ino: number, u: number): void {
    const view = this.#view;
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

  /** What follows the attributes. */
  #tail(inode: PlannedInode, at: number): void {
    const { node, entries, inlineBytes, tailSize } = inode;
    if (entries !== undefined) this.#entries(entries, splitDirectory(entries.names).ends.at(-1) ?? 0, entries.names.length, at);
    else if (node.kind === 'symlink') putLatin1(this.#image, at, node.target);
    else if (inlineBytes !== undefined) this.#image.set(inlineBytes.subarray(inlineBytes.length - tailSize), at);
    else if (inode.external !== undefined) this.#blockMap(chunkEntries(inode), at);
  }

  /** What is in blocks. */
  #blocks(inode: PlannedInode, position: number): void {
    const { node, entries, inlineBytes, tailSize, blockCount } = inode;
    if (entries !== undefined) {
      this.#directoryBlocks(entries, position);
      return;
    }
    const at = this.#buffer.room(position, blockCount * BLOCK);
    if (node.kind === 'symlink') putLatin1(this.#image, at, node.target);
    else if (inlineBytes !== undefined) this.#image.set(inlineBytes.subarray(0, inlineBytes.length - tailSize), at);
    else if (inode.external !== undefined) this.#blockMap(chunkEntries(inode), at);
  }

  #blockMap(count: number, start: number): void {
    for (let index = 0; index < count; index++) this.#view.setUint32(start + 4 * index, HOLE, true);
  }

  #directoryBlocks(entries: Entries, position: number): void {
    let first = 0;
    let next = position;
    for (const end of splitDirectory(entries.names).ends) {
      this.#entries(entries, first, end, this.#buffer.room(next, BLOCK));
      first = end;
      next += BLOCK;
    }
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

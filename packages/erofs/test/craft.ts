import { encode } from '@cfskit/binary';
import { openImage, writeImage, type FormatVersion } from '../src/index.ts';
import { BLOCK, SLOT, SUPERBLOCK_OFFSET } from '../src/format.ts';
import { compactInode, EXTENDED, extendedInode } from '../src/inode-layout.ts';
import { superblock, type Superblock } from '../src/superblock.ts';
import { walkImage } from '../src/walk-image.ts';
import type { Directory } from '@cfskit/fs-tree';

/** An image to be spoilt. */
export class Crafted {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  /** Offsets of inodes by path. */
  readonly inodes = new Map<string, number>();

  constructor(tree: Directory, version: FormatVersion = 1) {
    this.bytes = writeImage(tree, { version });
    this.view = new DataView(this.bytes.buffer);
    const prefixes = ['/'];
    for (const { name, depth, inode, parent } of walkImage(openImage(this.bytes))) {
      const path = `${prefixes[depth]}${name}`;
      this.inodes.set(path, inode.offset);
      if (parent !== undefined) prefixes[depth + 1] = `${path}/`;
    }
  }

  offset(path: string): number {
    const offset = this.inodes.get(path);
    if (offset === undefined) throw new Error(`no ${path} in the image`);
    return offset;
  }

  nid(path: string): number {
    return this.offset(path) / SLOT;
  }

  /** Change a field of the superblock. */
  superblock(field: keyof Superblock, value: number | bigint): this {
    const at = SUPERBLOCK_OFFSET + superblock.offsets[field];
    if (typeof value === 'bigint') this.view.setBigUint64(at, value, true);
    else this.view.setUint32(at, value, true);
    return this;
  }

  /** Change a field of an inode, by whichever table it has. */
  inode(path: string, field: 'format' | 'mode' | 'nlink' | 'size' | 'u' | 'xattrIcount' | 'mtimeNsec', value: number): this {
    const offset = this.offset(path);
    const extended = (this.view.getUint8(offset) & EXTENDED) !== 0;
    const offsets: Readonly<Record<string, number>> = extended ? extendedInode.offsets : compactInode.offsets;
    const at = offset + (offsets[field] ?? Number.NaN);
    const short = field === 'format' || field === 'mode' || field === 'xattrIcount' || (field === 'nlink' && !extended);
    if (short) this.view.setUint16(at, value, true);
    else this.view.setUint32(at, value, true);
    return this;
  }

  /** Write other bytes where these stand; they must stand there once at least, and all are replaced. */
  replace(wanted: string, other: string): this {
    const buffer = Buffer.from(this.bytes.buffer);
    const from = Buffer.from(wanted, 'latin1');
    let at = buffer.indexOf(from);
    if (at === -1) throw new Error(`no ${wanted} in the image`);
    for (; at !== -1; at = buffer.indexOf(from, at + 1)) buffer.write(other, at, 'latin1');
    return this;
  }
}

/** An image of nothing but a line of directories, each in the one before, made from the tables. */
export function nestedDirectories(count: number): Uint8Array {
  const inodeSize = 128;
  const start = 1152;
  const size = Math.ceil((start + count * inodeSize) / BLOCK) * BLOCK;
  const head = writeHead(size, count);
  const image = new Uint8Array(size);
  image.set(head);
  for (let index = 0; index < count; index++) {
    const at = start + index * inodeSize;
    const last = index === count - 1;
    const names = last ? ['.', '..'] : ['.', '..', 'd'];
    const nids = [index, Math.max(index - 1, 0), index + 1].map((number) => 36 + 4 * number);
    const records = 12 * names.length;
    image.set(
      encode(extendedInode, {
        format: (2 << 1) | 1,
        xattrIcount: 0,
        mode: 0o40755,
        reserved: 0,
        size: BigInt(records + names.join('').length),
        u: 0,
        ino: index,
        uid: 0,
        gid: 0,
        mtime: 0n,
        mtimeNsec: 0,
        nlink: last ? 2 : 3,
        reserved2: new Uint8Array(16),
      }),
      at,
    );
    let nameoff = records;
    for (const [entry, name] of names.entries()) {
      const view = new DataView(image.buffer, at + 64 + 12 * entry);
      view.setUint32(0, nids[entry] ?? 0, true);
      view.setUint16(8, nameoff, true);
      view.setUint8(10, 2);
      image.set(Buffer.from(name), at + 64 + nameoff);
      nameoff += name.length;
    }
  }
  return image;
}

function writeHead(size: number, inodes: number): Uint8Array {
  const head = new Uint8Array(1152);
  const view = new DataView(head.buffer);
  for (const [at, value] of [
    [0, 0xd078629a],
    [4, 1],
    [12, 2],
    [1024, 0xe0f5e1e2],
    [1032, 6],
    [1060, size / BLOCK],
  ] as const)
    view.setUint32(at, value, true);
  view.setUint8(1036, 12);
  view.setUint16(1038, 36, true);
  view.setUint32(1040, inodes, true);
  return head;
}

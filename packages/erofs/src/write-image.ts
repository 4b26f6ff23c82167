import { encode } from '@cfskit/binary';
import type { Directory } from '@cfskit/fs-tree';
import { COMPOSEFS_MAGIC, composefsHeader, HAS_ACL, HEADER_VERSION } from './composefs-header.ts';
import { BLOCK, INODES_OFFSET, SLOT, SUPERBLOCK_OFFSET, type FormatVersion, type Profile } from './format.ts';
import { ImageBuffer } from './image-buffer.ts';
import { layOutImage, type ImageLayout } from './image-layout.ts';
import { BLKSZBITS, COMPAT_MTIME, COMPAT_XATTR_FILTER, EROFS_MAGIC, superblock } from './superblock.ts';
import { InodeWriter } from './write-inode.ts';

/** Which image to write. */
export interface WriteOptions {
  /** Default 1. */
  readonly version?: FormatVersion;
  /** Default `rs`. With `c` format 2 does not exist. */
  readonly profile?: Profile;
}

/**
 * The EROFS image of a tree, byte for byte as composefs-rs or mkcomposefs write it. The tree is not changed.
 *
 * Formats 0 and 1 hold what the tree holds. Format 2 loses nanoseconds. Memory: the image, and about 150 bytes per inode while it is made.
 *
 * @returns the whole file, a multiple of 4096 bytes
 * @throws {ErofsError} UNWRITABLE, with the path of what the format cannot hold
 */
export function writeImage(root: Directory, options: WriteOptions = {}): Uint8Array<ArrayBuffer> {
  const layout = layOut(root, options);
  const bytes = new Uint8Array(layout.size);
  writeLayout(layout, new ImageBuffer(bytes));
  return bytes;
}

/**
 * The same in pieces of about a MiB, in order, so that the image is never in memory as a whole.
 *
 * @param write gets each piece; its memory is used again for the next. What it throws ends the writing.
 * @throws {ErofsError} UNWRITABLE, before the first piece
 */
export function writeImageInPieces(root: Directory, write: (piece: Uint8Array) => void, options: WriteOptions = {}): void {
  const layout = layOut(root, options);
  const buffer = new ImageBuffer(new Uint8Array(Math.min(layout.size, PIECE)), write);
  writeLayout(layout, buffer);
  buffer.finish(layout.size);
}

/** More than any inode takes with its attributes. */
const PIECE = 2 ** 20;

function layOut(root: Directory, { version = 1, profile = 'rs' }: WriteOptions): ImageLayout {
  if (profile === 'c' && version === 2) throw new RangeError('mkcomposefs knows no format 2');
  return layOutImage(root, { version, profile });
}

function writeLayout(layout: ImageLayout, buffer: ImageBuffer): void {
  const start = buffer.room(0, INODES_OFFSET);
  buffer.bytes.set(headerOf(layout), start);
  buffer.bytes.set(superblockOf(layout), start + SUPERBLOCK_OFFSET);
  new InodeWriter(buffer, layout).writeAll();
}

function headerOf({ version, hasAcl }: ImageLayout): Uint8Array {
  return encode(composefsHeader, {
    magic: COMPOSEFS_MAGIC,
    version: HEADER_VERSION,
    flags: hasAcl ? HAS_ACL : 0,
    composefsVersion: version,
    unused: new Uint8Array(16),
  });
}

function superblockOf({ version, inodes, buildTime, inodesEnd, size }: ImageLayout): Uint8Array {
  return encode(superblock, {
    magic: EROFS_MAGIC,
    checksum: 0,
    featureCompat: COMPAT_MTIME | COMPAT_XATTR_FILTER,
    blkszbits: BLKSZBITS,
    sbExtslots: 0,
    rootNid: inodes[0]!.position / SLOT,
    inos: BigInt(inodes.length),
    buildTime: buildTime.seconds,
    buildTimeNsec: buildTime.nanoseconds,
    blocks: size / BLOCK,
    metaBlkaddr: 0,
    xattrBlkaddr: version === 2 ? 0 : Math.floor(inodesEnd / BLOCK),
    uuid: new Uint8Array(16),
    volumeName: new Uint8Array(16),
    featureIncompat: 0,
    availableComprAlgs: 0,
    extraDevices: 0,
    devtSlotoff: 0,
    dirblkbits: 0,
    xattrPrefixCount: 0,
    xattrPrefixStart: 0,
    packedNid: 0n,
    xattrFilterReserved: 0,
    reserved: new Uint8Array(23),
  });
}

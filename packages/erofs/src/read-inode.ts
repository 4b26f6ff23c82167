import { decode, i64Big } from '@cfskit/binary';
import type { Time } from '@cfskit/fs-tree';
import { u16At, u32At, u64At } from './byte-source.ts';
import { chunkCount, CHUNK_SIZE_BITS, MAX_CHUNKS, MAX_FILE_SIZE } from './chunk.ts';
import { ErofsError } from './errors.ts';
import { fileTypeOfMode, kindOfFileType, type Kind } from './file-type.ts';
import { BLOCK, INODES_OFFSET, SLOT } from './format.ts';
import type { ErofsImage } from './image.ts';
import { CHUNK_BASED, compactInode, EXTENDED, extendedInode, FLAT_INLINE, FLAT_PLAIN } from './inode-layout.ts';
import { maxInlineSize, maxTargetLength } from './writable.ts';
import { xattrAreaSize } from './xattr-layout.ts';

/** An inode as it is in an image. All of its bytes and blocks are known to lie in the image. */
export interface Inode {
  readonly nid: number;
  /** Of its first byte. */
  readonly offset: number;
  readonly kind: Kind;
  readonly fileType: number;
  readonly mode: number;
  readonly nlink: number;
  readonly size: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtime: Time;
  /** Data layout. */
  readonly layout: number;
  /** i_u. */
  readonly u: number;
  readonly xattrOffset: number;
  readonly xattrSize: number;
}

/** i_format: one bit for the kind of inode, three for the data layout. */
const FORMAT_BITS = 0xf;

/**
 * Read the inode that `nid` stands for.
 *
 * @throws {ErofsError} OUT_OF_BOUNDS, INVALID_INODE
 */
export function readInode(image: ErofsImage, nid: number): Inode {
  const offset = nid * SLOT;
  if (offset < INODES_OFFSET) throw new ErofsError('OUT_OF_BOUNDS', `inode ${nid} in front of all inodes`, { offset });
  const format = u16At(image.bytes.take(offset, compactInode.size), compactInode.offsets.format);
  if ((format & ~FORMAT_BITS) !== 0) throw new ErofsError('INVALID_INODE', `unknown i_format ${format}`, { offset });
  const inode = decodeInode(image, nid, offset, format);
  checkInode(image, inode);
  return inode;
}

/** What the two kinds of inodes have in fields of different sizes. */
type Numbers = Pick<Inode, 'nlink' | 'size' | 'uid' | 'gid' | 'mtime'>;

// Fields are read one by one, at the offsets of the tables: through the tables it would take ten times as long.
function decodeInode(image: ErofsImage, nid: number, offset: number, format: number): Inode {
  const table = (format & EXTENDED) === 0 ? compactInode : extendedInode;
  const bytes = image.bytes.take(offset, table.size);
  const { offsets } = compactInode; // where an extended inode has these fields, too
  const mode = u16At(bytes, offsets.mode);
  const fileType = typeOf(mode, offset);
  const { nlink, size, uid, gid, mtime } = table === compactInode ? compactNumbers(image, bytes) : extendedNumbers(image, bytes, offset);
  return {
    nid,
    offset,
    kind: kindOfFileType(fileType),
    fileType,
    mode,
    nlink,
    size,
    uid,
    gid,
    mtime,
    layout: format >> 1,
    u: u32At(bytes, offsets.u),
    xattrOffset: offset + table.size,
    xattrSize: xattrAreaSize(u16At(bytes, offsets.xattrIcount)),
  };
}

function compactNumbers({ buildTime }: ErofsImage, bytes: Uint8Array): Numbers {
  const { offsets } = compactInode;
  return {
    nlink: u16At(bytes, offsets.nlink),
    size: u32At(bytes, offsets.size),
    uid: u16At(bytes, offsets.uid),
    gid: u16At(bytes, offsets.gid),
    mtime: buildTime,
  };
}

function extendedNumbers(image: ErofsImage, bytes: Uint8Array, offset: number): Numbers {
  const { offsets } = extendedInode;
  return {
    nlink: u32At(bytes, offsets.nlink),
    size: u64At(bytes, offsets.size),
    uid: u32At(bytes, offsets.uid),
    gid: u32At(bytes, offsets.gid),
    mtime: readTime(image, bytes, offset),
  };
}

function typeOf(mode: number, offset: number): number {
  const fileType = fileTypeOfMode(mode);
  if (fileType === 0) throw new ErofsError('INVALID_INODE', `mode ${mode.toString(8)} names no file type`, { offset });
  return fileType;
}

function readTime(image: ErofsImage, bytes: Uint8Array, offset: number): Time {
  const { offsets } = extendedInode;
  const nanoseconds = u32At(bytes, offsets.mtimeNsec);
  if (nanoseconds >= 1e9) throw new ErofsError('INVALID_INODE', `${nanoseconds} nanoseconds`, { offset });
  const seconds = decode(i64Big, bytes, offsets.mtime);
  const { buildTime } = image;
  return seconds === buildTime.seconds && nanoseconds === buildTime.nanoseconds ? buildTime : { seconds, nanoseconds };
}

function checkInode(image: ErofsImage, inode: Inode): void {
  image.bytes.take(inode.xattrOffset, inode.xattrSize);
  if (inode.layout === CHUNK_BASED) return checkChunks(image, inode);
  if (inode.layout !== FLAT_PLAIN && inode.layout !== FLAT_INLINE) throw invalid(inode, `data layout ${inode.layout}`);
  checkFlatSize(image, inode);
  checkBlocks(image, inode);
}

function checkFlatSize({ version, size: imageSize }: ErofsImage, inode: Inode): void {
  const { kind, size } = inode;
  if (size > imageSize) throw invalid(inode, `${size} bytes in an image of ${imageSize}`);
  switch (kind) {
    case 'directory':
      if (size === 0) throw invalid(inode, 'empty directory, without even itself');
      return;
    case 'file':
      if (size > maxInlineSize(version)) throw invalid(inode, `file with ${size} bytes of content`);
      return;
    case 'symlink':
      if (size === 0 || size > maxTargetLength(version)) throw invalid(inode, `symbolic link target of ${size} bytes`);
      return;
    default:
      if (size !== 0) throw invalid(inode, `${kind} of ${size} bytes`);
  }
}

function checkBlocks(image: ErofsImage, inode: Inode): void {
  const { blockCount, tailOffset, tailSize } = dataOf(inode);
  image.bytes.take(tailOffset, tailSize);
  if (tailSize > 0 && Math.floor(tailOffset / BLOCK) !== Math.floor((tailOffset + tailSize - 1) / BLOCK)) {
    throw invalid(inode, 'inline data in two blocks');
  }
  if (blockCount === 0) return;
  if (inode.u === 0) throw invalid(inode, 'data in block 0');
  image.bytes.take(inode.u * BLOCK, blockCount * BLOCK);
}

function checkChunks({ version }: ErofsImage, inode: Inode): void {
  const { kind, size, u } = inode;
  if (kind !== 'file') throw invalid(inode, `${kind} in chunks`);
  if ((u & 0xffff & ~CHUNK_SIZE_BITS) !== 0) throw invalid(inode, `unknown chunk format ${u & 0xffff}`);
  const fits = size <= MAX_FILE_SIZE && (version === 2 || chunkCount(size, u & CHUNK_SIZE_BITS) <= MAX_CHUNKS);
  if (!fits) throw invalid(inode, `external file of ${size} bytes`);
}

/** Where the data of a file, link or directory is that has any in the image. */
export interface DataPlace {
  readonly blockOffset: number;
  readonly blockCount: number;
  /** Behind inode and attributes. */
  readonly tailOffset: number;
  readonly tailSize: number;
}

/** Full blocks, and behind them a tail if the layout says so. */
export function dataOf({ size, layout, u, xattrOffset, xattrSize }: Inode): DataPlace {
  const tailSize = layout === FLAT_INLINE ? size % BLOCK : 0;
  const blockCount = layout === CHUNK_BASED ? 0 : Math.ceil((size - tailSize) / BLOCK);
  return { blockOffset: u * BLOCK, blockCount, tailOffset: xattrOffset + xattrSize, tailSize };
}

function invalid(inode: Inode, message: string): ErofsError {
  return new ErofsError('INVALID_INODE', message, { offset: inode.offset });
}

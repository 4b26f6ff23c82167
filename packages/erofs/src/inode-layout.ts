import { bytes, i64Big, struct, u16, u32, u64Big, type Struct } from '@cfskit/binary';

/** An inode of 32 bytes: its mtime is that of the superblock, its numbers are small. */
export interface CompactInode {
  readonly format: number;
  readonly xattrIcount: number;
  readonly mode: number;
  readonly nlink: number;
  readonly size: number;
  readonly reserved: number;
  readonly u: number;
  readonly ino: number;
  readonly uid: number;
  readonly gid: number;
  readonly reserved2: number;
}

/** An inode of 64 bytes. */
export interface ExtendedInode {
  readonly format: number;
  readonly xattrIcount: number;
  readonly mode: number;
  readonly reserved: number;
  readonly size: bigint;
  readonly u: number;
  readonly ino: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtime: bigint;
  readonly mtimeNsec: number;
  readonly nlink: number;
  readonly reserved2: Uint8Array;
}

export const compactInode: Struct<CompactInode> = struct<CompactInode>({
  format: u16, //        0
  xattrIcount: u16, //   2
  mode: u16, //          4
  nlink: u16, //         6
  size: u32, //          8
  reserved: u32, //     12
  u: u32, //            16
  ino: u32, //          20
  uid: u16, //          24
  gid: u16, //          26
  reserved2: u32, //    28
});

export const extendedInode: Struct<ExtendedInode> = struct<ExtendedInode>({
  format: u16, //          0
  xattrIcount: u16, //     2
  mode: u16, //            4
  reserved: u16, //        6
  size: u64Big, //         8
  u: u32, //              16
  ino: u32, //            20
  uid: u32, //            24
  gid: u32, //            28
  mtime: i64Big, //       32
  mtimeNsec: u32, //      40
  nlink: u32, //          44
  reserved2: bytes(16), // 48
});

/** Bit 0 of i_format. */
export const EXTENDED = 1;

/** Data layouts, the other bits of i_format: data in blocks; full blocks and a tail behind the inode; data elsewhere. */
export const FLAT_PLAIN = 0;
export const FLAT_INLINE = 2;
export const CHUNK_BASED = 4;

/** Bytes of the inode itself; its attributes follow. */
export function headerSize(extended: boolean): number {
  return extended ? extendedInode.size : compactInode.size;
}

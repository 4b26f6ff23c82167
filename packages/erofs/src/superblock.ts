import { bytes, i64Big, struct, u16, u32, u64Big, u8, type Struct } from '@cfskit/binary';

/** The superblock of EROFS. Most fields are 0 in composefs images. */
export interface Superblock {
  readonly magic: number;
  readonly checksum: number;
  readonly featureCompat: number;
  readonly blkszbits: number;
  readonly sbExtslots: number;
  readonly rootNid: number;
  readonly inos: bigint;
  readonly buildTime: bigint;
  readonly buildTimeNsec: number;
  readonly blocks: number;
  readonly metaBlkaddr: number;
  readonly xattrBlkaddr: number;
  readonly uuid: Uint8Array;
  readonly volumeName: Uint8Array;
  readonly featureIncompat: number;
  readonly availableComprAlgs: number;
  readonly extraDevices: number;
  readonly devtSlotoff: number;
  readonly dirblkbits: number;
  readonly xattrPrefixCount: number;
  readonly xattrPrefixStart: number;
  readonly packedNid: bigint;
  readonly xattrFilterReserved: number;
  readonly reserved: Uint8Array;
}

export const EROFS_MAGIC = 0xe0f5e1e2;
/** Logarithm of the block size to base 2. */
export const BLKSZBITS = 12;
/** The checksum is one. */
export const COMPAT_CHECKSUM = 1;
/** Inodes have times of their own; xattr areas begin with a filter of names. */
export const COMPAT_MTIME = 2;
export const COMPAT_XATTR_FILTER = 4;
/** What a reader puts up with. */
export const COMPAT_KNOWN = 7;
/** Chunk-based files; composefs images have them without saying so, and kernels accept that. */
export const INCOMPAT_CHUNKED_FILE = 4;

export const superblock: Struct<Superblock> = struct<Superblock>({
  magic: u32, //                  0
  checksum: u32, //               4
  featureCompat: u32, //          8
  blkszbits: u8, //              12
  sbExtslots: u8, //             13
  rootNid: u16, //               14
  inos: u64Big, //               16  inodes written
  buildTime: i64Big, //          24  the smallest mtime in formats 0 and 1
  buildTimeNsec: u32, //         32
  blocks: u32, //                36  file size in blocks
  metaBlkaddr: u32, //           40
  xattrBlkaddr: u32, //          44  block that references to shared xattrs count from
  uuid: bytes(16), //            48
  volumeName: bytes(16), //      64
  featureIncompat: u32, //       80
  availableComprAlgs: u16, //    84
  extraDevices: u16, //          86
  devtSlotoff: u16, //           88
  dirblkbits: u8, //             90
  xattrPrefixCount: u8, //       91
  xattrPrefixStart: u32, //      92
  packedNid: u64Big, //          96
  xattrFilterReserved: u8, //   104
  reserved: bytes(23), //       105
});

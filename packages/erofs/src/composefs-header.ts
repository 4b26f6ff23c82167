import { bytes, struct, u32, type Struct } from '@cfskit/binary';

/** The 32 bytes in front of every composefs image, where EROFS leaves room for boot code. */
export interface ComposefsHeader {
  readonly magic: number;
  readonly version: number;
  readonly flags: number;
  readonly composefsVersion: number;
  readonly unused: Uint8Array;
}

export const COMPOSEFS_MAGIC = 0xd078629a;
export const HEADER_VERSION = 1;
/** Flag: some inode has a POSIX ACL. Formats 0 and 1. */
export const HAS_ACL = 1;

export const composefsHeader: Struct<ComposefsHeader> = struct<ComposefsHeader>({
  magic: u32, //              0
  version: u32, //            4  of this header
  flags: u32, //              8
  composefsVersion: u32, //  12  the format version
  unused: bytes(16), //      16  zeros
});

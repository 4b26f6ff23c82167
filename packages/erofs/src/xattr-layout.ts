import { bytes, struct, u16, u32, u8, type Struct } from '@cfskit/binary';

/** The start of an inode's xattr area; references to shared entries and then local entries follow. */
export interface XattrHeader {
  readonly nameFilter: number;
  readonly sharedCount: number;
  readonly reserved: Uint8Array;
}

/** The start of an xattr entry; the suffix of the name, the value and padding follow. */
export interface XattrEntry {
  readonly nameLen: number;
  readonly nameIndex: number;
  readonly valueSize: number;
}

export const xattrHeader: Struct<XattrHeader> = struct<XattrHeader>({
  nameFilter: u32, //     0  a set bit: no xattr whose name has that bit
  sharedCount: u8, //     4
  reserved: bytes(7), //  5
});

export const xattrEntry: Struct<XattrEntry> = struct<XattrEntry>({
  nameLen: u8, //      0  of the suffix
  nameIndex: u8, //    1  which prefix
  valueSize: u16, //   2
});

/** Entries are padded to multiples of this, and references and i_xattr_icount count in it. */
export const XATTR_UNIT = 4;

/** Bytes of an entry, with padding. */
export function xattrEntrySize(nameLen: number, valueSize: number): number {
  return (xattrEntry.size + nameLen + valueSize + 3) & ~3;
}

/** i_xattr_icount of an area of `size` bytes. */
export function xattrIcount(size: number): number {
  return size === 0 ? 0 : (size - xattrHeader.size) / XATTR_UNIT + 1;
}

/** Bytes of the area that an i_xattr_icount stands for. */
export function xattrAreaSize(icount: number): number {
  return icount === 0 ? 0 : xattrHeader.size + (icount - 1) * XATTR_UNIT;
}

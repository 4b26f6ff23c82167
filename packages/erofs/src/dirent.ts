import { struct, u16, u64Big, u8, type Struct } from '@cfskit/binary';

/** The record of a name in a directory block; all records come first, then all names. */
export interface Dirent {
  readonly nid: bigint;
  readonly nameoff: number;
  readonly fileType: number;
  readonly reserved: number;
}

export const dirent: Struct<Dirent> = struct<Dirent>({
  nid: u64Big, //     0
  nameoff: u16, //    8  from the start of the block
  fileType: u8, //   10
  reserved: u8, //   11
});

/** Bytes that an entry of a directory takes. */
export function direntSpace(nameLength: number): number {
  return dirent.size + nameLength;
}

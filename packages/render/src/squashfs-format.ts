import { struct, u16, u32, u64, u64Big, type Struct } from '@cfskit/binary';

/** A structure of unsigned numbers. */
type Numbers<K extends string> = Readonly<Record<K, number>>;

/** `hsqs`, little-endian. */
export const SQUASHFS_MAGIC = 0x73717368;

/** The first 96 bytes. Squashfs 4.0, all numbers little-endian. */
export interface Superblock
  extends
    Numbers<
      | 'magic'
      | 'inodeCount'
      | 'modificationTime'
      | 'blockSize'
      | 'fragmentCount'
      | 'compressor'
      | 'blockLog'
      | 'flags'
      | 'idCount'
      | 'versionMajor'
      | 'versionMinor'
      | 'rootInode'
      | 'bytesUsed'
      | 'idTable'
      | 'inodeTable'
      | 'directoryTable'
    >,
    Readonly<Record<'xattrTable' | 'fragmentTable' | 'exportTable', bigint>> {}

export const superblock: Struct<Superblock> = struct<Superblock>({
  magic: u32,
  inodeCount: u32,
  modificationTime: u32,
  blockSize: u32,
  fragmentCount: u32,
  compressor: u16,
  blockLog: u16,
  flags: u16,
  idCount: u16,
  versionMajor: u16,
  versionMinor: u16,
  rootInode: u64, // reference: position of a metadata block in its table, times 65536, and an offset in it
  bytesUsed: u64,
  idTable: u64,
  xattrTable: u64Big, // all ones if there is none; so are the tables that nothing here reads
  inodeTable: u64,
  directoryTable: u64,
  fragmentTable: u64Big,
  exportTable: u64Big,
});

/** What a table's position is where there is no table. */
export const NO_TABLE: bigint = 2n ** 64n - 1n;

/** Bytes of a metadata block before compression; the last one of a table may have less. */
export const METADATA_SIZE = 8192;
/** In the two bytes in front of a metadata block: it is not compressed. */
export const METADATA_PLAIN = 0x8000;
/** In the four bytes that say how large a data block is: it is not compressed. */
export const DATA_PLAIN = 0x1000000;
/** Block sizes are powers of two between these. */
export const BLOCK_SIZE_MIN = 4096;
export const BLOCK_SIZE_MAX: number = 1024 * 1024;

/** By the number in the superblock. */
export const COMPRESSORS: readonly string[] = ['', 'gzip', 'lzma', 'lzo', 'xz', 'lz4', 'zstd'];

/** The beginning of every inode. */
export const inodeHeader: Struct<Numbers<'type' | 'mode' | 'uid' | 'gid' | 'mtime' | 'number'>> = struct({
  type: u16,
  mode: u16,
  uid: u16,
  gid: u16,
  mtime: u32,
  number: u32,
});

/** What follows it, by type. Types from 8 on are the extended forms of the first seven. */
export const inodeBodies: {
  readonly directory: Struct<Numbers<'block' | 'linkCount' | 'size' | 'offset' | 'parent'>>;
  readonly file: Struct<Numbers<'start' | 'fragment' | 'offset' | 'size'>>;
  readonly symlink: Struct<Numbers<'linkCount' | 'size'>>;
  readonly device: Struct<Numbers<'linkCount' | 'rdev'>>;
  readonly extendedDirectory: Struct<Numbers<'linkCount' | 'size' | 'block' | 'parent' | 'indexCount' | 'offset' | 'xattrs'>>;
  readonly extendedFile: Struct<Numbers<'start' | 'size' | 'sparse' | 'linkCount' | 'fragment' | 'offset' | 'xattrs'>>;
} = {
  directory: struct({ block: u32, linkCount: u32, size: u16, offset: u16, parent: u32 }),
  file: struct({ start: u32, fragment: u32, offset: u32, size: u32 }),
  symlink: struct({ linkCount: u32, size: u32 }),
  device: struct({ linkCount: u32, rdev: u32 }),
  extendedDirectory: struct({ linkCount: u32, size: u32, block: u32, parent: u32, indexCount: u16, offset: u16, xattrs: u32 }),
  extendedFile: struct({ start: u64, size: u64, sparse: u64, linkCount: u32, fragment: u32, offset: u32, xattrs: u32 }),
};

/** Where an inode says that it has no fragment, or no attributes. */
export const NONE = 0xffffffff;

/** In front of up to 256 directory entries, whose inodes lie in one metadata block. */
export const directoryHeader: Struct<Numbers<'count' | 'start' | 'number'>> = struct({ count: u32, start: u32, number: u32 });
/** A directory entry; its name follows. Counts and sizes of names are less by one than what they count. */
export const directoryEntry: Struct<Numbers<'offset' | 'number' | 'type' | 'nameSize'>> = struct({
  offset: u16,
  number: u16,
  type: u16,
  nameSize: u16,
});

/** One entry of the table of file ends. */
export const fragmentEntry: Struct<Numbers<'start' | 'size' | 'unused'>> = struct({ start: u64, size: u32, unused: u32 });

/** The header of the table of attribute sets. */
export const xattrHeader: Struct<Numbers<'start' | 'count' | 'unused'>> = struct({ start: u64, count: u32, unused: u32 });
/** One set of attributes: a reference to where they are. */
export const xattrSet: Struct<Numbers<'reference' | 'count' | 'size'>> = struct({ reference: u64, count: u32, size: u32 });
/** One attribute: its name follows, then the size of its value and the value. */
export const xattrKey: Struct<Numbers<'type' | 'nameSize'>> = struct({ type: u16, nameSize: u16 });
/** The value lies elsewhere. */
export const XATTR_ELSEWHERE = 0x100;
/** What names begin with, by the lowest byte of the type. */
export const XATTR_PREFIXES: readonly string[] = ['user.', 'trusted.', 'security.'];

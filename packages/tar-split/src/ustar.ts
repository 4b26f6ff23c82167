import { BLOCK_SIZE } from './block.ts';

/** The fields of a ustar header and their sizes in bytes, in the order of the block. */
const SIZES = {
  name: 100,
  mode: 8,
  uid: 8,
  gid: 8,
  size: 12,
  mtime: 12,
  checksum: 8,
  typeflag: 1,
  linkname: 100,
  magic: 6,
  version: 2,
  uname: 32,
  gname: 32,
  devmajor: 8,
  devminor: 8,
  prefix: 155,
} as const;

/** Name of a header field. */
export type HeaderField = keyof typeof SIZES;

/** Where a field begins and ends in its block. */
export interface FieldRange {
  readonly start: number;
  readonly end: number;
}

/** Where the fields of a ustar header are. Readers and writers both go by it. */
export const FIELD: Readonly<Record<HeaderField, FieldRange>> = layOut();

/** Type flags with a meaning of their own. */
export const TYPE = {
  regularOld: 0x00,
  regular: 0x30,
  hardLink: 0x31,
  symlink: 0x32,
  characterDevice: 0x33,
  blockDevice: 0x34,
  directory: 0x35,
  fifo: 0x36,
  contiguous: 0x37,
  longLink: 0x4b,
  longName: 0x4c,
  sparse: 0x53,
  globalPax: 0x67,
  pax: 0x78,
} as const;

/** Entry types that a listing knows. Contiguous files are files. */
export type TarEntryType = 'file' | 'directory' | 'symlink' | 'hard-link' | 'character-device' | 'block-device' | 'fifo';

const ENTRY_TYPES = new Map<number, TarEntryType>([
  [TYPE.regularOld, 'file'],
  [TYPE.regular, 'file'],
  [TYPE.contiguous, 'file'],
  [TYPE.hardLink, 'hard-link'],
  [TYPE.symlink, 'symlink'],
  [TYPE.characterDevice, 'character-device'],
  [TYPE.blockDevice, 'block-device'],
  [TYPE.directory, 'directory'],
  [TYPE.fifo, 'fifo'],
]);

/** The type that a flag stands for; nothing for records, sparse files and flags that nobody knows. */
export function entryType(flag: number): TarEntryType | undefined {
  return ENTRY_TYPES.get(flag);
}

const CHECKSUM_AS_SPACES = 8 * 0x20;

/** Sum of all bytes of the block at `at`: 0 for a zero block only. */
export function sumBlock(bytes: Uint8Array, at: number): number {
  let sum = 0;
  for (let i = at; i < at + BLOCK_SIZE; i += 4) sum += bytes[i]! + bytes[i + 1]! + bytes[i + 2]! + bytes[i + 3]!;
  return sum;
}

/**
 * The number that belongs into the checksum field: the unsigned sum, with that field taken as spaces.
 *
 * @param sum result of {@link sumBlock}
 */
export function headerChecksum(bytes: Uint8Array, at: number, sum: number): number {
  let checksum = sum + CHECKSUM_AS_SPACES;
  for (let i = at + FIELD.checksum.start; i < at + FIELD.checksum.end; i++) checksum -= bytes[i]!;
  return checksum;
}

function layOut(): Record<HeaderField, FieldRange> {
  const ranges: Partial<Record<HeaderField, FieldRange>> = {};
  let start = 0;
  for (const [name, size] of Object.entries(SIZES)) {
    ranges[name as HeaderField] = { start, end: start + size };
    start += size;
  }
  return ranges as Record<HeaderField, FieldRange>;
}

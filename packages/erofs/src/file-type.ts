import { TYPE_BITS, type Node } from '@cfskit/fs-tree';

/** What a directory entry or an inode names. */
export type Kind = Node['kind'];

/** File types of directory entries, by their number. */
const KINDS: readonly (Kind | undefined)[] = [
  undefined,
  'file',
  'directory',
  'character-device',
  'block-device',
  'fifo',
  'socket',
  'symlink',
];

/** The file type in directory entries, by kind. */
export const FILE_TYPE: Readonly<Record<Kind, number>> = {
  file: 1,
  directory: 2,
  'character-device': 3,
  'block-device': 4,
  fifo: 5,
  socket: 6,
  symlink: 7,
};

const TYPES_BY_MODE: readonly number[] = fileTypesByMode();

/** The file type of directory entries that belongs to an i_mode; 0 for none. */
export function fileTypeOfMode(mode: number): number {
  return TYPES_BY_MODE[(mode >>> 12) & 0xf]!;
}

/** The kind that a file type from 1 to 7 stands for. */
export function kindOfFileType(fileType: number): Kind {
  return KINDS[fileType]!;
}

function fileTypesByMode(): number[] {
  const types: number[] = Array.from({ length: 16 }, () => 0);
  for (const [kind, bits] of Object.entries(TYPE_BITS)) types[bits >>> 12] = FILE_TYPE[kind as Kind];
  return types;
}

import type { ByteString } from '@cfskit/fs-tree';
import { direntSpace } from './dirent.ts';
import { BLOCK } from './format.ts';

/** Up to this size the last entries of a directory stand behind its inode. */
const MAX_TAIL = BLOCK / 2;

/** How the entries of a directory are spread. */
export interface DirectoryBlocks {
  /** Index behind the last entry of each block. */
  readonly ends: readonly number[];
  /** Bytes of the entries behind the last block. */
  readonly tailSize: number;
}

/** Fill block after block; what is left at the end stays behind the inode if it is short. */
export function splitDirectory(names: readonly ByteString[]): DirectoryBlocks {
  const ends: number[] = [];
  let size = 0;
  for (let index = 0; index < names.length; index++) {
    const space = direntSpace(names[index]!.length);
    if (size + space > BLOCK) {
      ends.push(index);
      size = 0;
    }
    size += space;
  }
  if (size <= MAX_TAIL) return { ends, tailSize: size };
  ends.push(names.length);
  return { ends, tailSize: 0 };
}

import type { FormatVersion } from './format.ts';
import type { PlannedInode } from './planned-inode.ts';

/**
 * The inodes in the order in which they stand in the image. Numbers them, too: by place in that order in formats 0 and 1.
 *
 * @param planned in depth-first order, which is that of format 2
 */
export function orderInodes(planned: readonly PlannedInode[], version: FormatVersion): readonly PlannedInode[] {
  if (version === 2) return planned;
  const order = breadthFirst(planned[0]!, planned.length);
  for (let index = 0; index < order.length; index++) order[index]!.ino = index;
  return order;
}

function breadthFirst(root: PlannedInode, count: number): PlannedInode[] {
  const order: PlannedInode[] = [root];
  for (let index = 0; order.length < count; index++) {
    const directory = order[index]!;
    const { entryNames, entryInodes } = directory;
    for (let entry = 0; entry < entryNames.length; entry++) {
      const inode = entryInodes[entry]!;
      if (isHome(inode, directory, entryNames[entry]!)) order.push(inode);
    }
  }
  return order;
}

/** Whether the inode is written where this entry stands; `.`, `..` and further names of a file only refer to it. */
function isHome(inode: PlannedInode, directory: PlannedInode, name: string): boolean {
  return inode.parent === directory && inode !== directory && (inode.names === 1 || inode.name === name) && name !== '.' && name !== '..';
}

import type { FormatVersion } from './format.ts';
import type { PlannedInode } from './planned-inode.ts';

/**
 * The inodes in the order in which they stand in the image.
 *
 * @param planned in depth-first order, which is that of format 2
 */
export function orderInodes(planned: readonly PlannedInode[], version: FormatVersion): readonly PlannedInode[] {
  return version === 2 ? planned : breadthFirst(planned[0]!);
}

function breadthFirst(root: PlannedInode): PlannedInode[] {
  const order: PlannedInode[] = [root];
  for (const directory of order) {
    if (directory.entries === undefined) continue;
    const { names, inodes } = directory.entries;
    for (let index = 0; index < names.length; index++) {
      const inode = inodes[index]!;
      // `.`, `..` and further names of a file only refer to an inode.
      if (inode.parent === directory && inode.name === names[index]) order.push(inode);
    }
  }
  return order;
}

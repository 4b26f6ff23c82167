import { ErofsError } from './errors.ts';
import { BLOCK, SLOT, SUPERBLOCK_OFFSET } from './format.ts';
import type { ErofsImage } from './image.ts';
import { dataOf, type Inode } from './read-inode.ts';
import type { InodeXattrs } from './read-xattrs.ts';
import { STUB_NAMES } from './stub.ts';
import { superblock } from './superblock.ts';
import { isNativeWhiteout, walkImage, type ImageVisit, type WalkOptions } from './walk-image.ts';

/**
 * Check a whole image: all that reading it checks, and that it is one that a writer of its format version could have made. Images of strangers
 * are to be checked before they are stored.
 *
 * @throws {ErofsError} with the offset of what is wrong; WRONG_EPOCH where another format version would allow it
 */
export function checkImage(image: ErofsImage, options: WalkOptions = {}): void {
  const check = new EpochCheck(image);
  for (const visit of walkImage(image, options)) check.visit(visit);
  check.finish();
}

/** What every image of a format version has, or has not. It is shown all names of an image, in any order. */
export class EpochCheck {
  readonly #image: ErofsImage;
  readonly #stubsMissing: Set<string>;
  #inodes = 0;

  constructor(image: ErofsImage) {
    this.#image = image;
    this.#stubsMissing = new Set(image.version < 2 ? STUB_NAMES : []);
  }

  visit({ name, inode, attributes, inRoot }: ImageVisit): void {
    if (inRoot) this.#stubsMissing.delete(name);
    if (attributes === undefined) return;
    this.#inodes++;
    checkFilter(attributes.xattrs, inode);
    if (this.#image.version < 2) checkEpoch1(inode, inRoot);
    else if (attributes.overlay.whiteout) throw wrongEpoch(inode, 'escaped whiteout in an image of format 2');
  }

  finish(): void {
    const { version, inodeCount, rootNid } = this.#image;
    const [missing] = this.#stubsMissing;
    if (missing !== undefined) {
      throw new ErofsError('WRONG_EPOCH', `no ${missing} in the root of an image of format ${version}`, { offset: rootNid * SLOT });
    }
    if (this.#inodes !== inodeCount) {
      const offset = SUPERBLOCK_OFFSET + superblock.offsets.inos;
      throw new ErofsError('INVALID_INODE', `found ${this.#inodes} inodes, the superblock counts ${inodeCount}`, { offset });
    }
  }
}

function checkEpoch1(inode: Inode, inRoot: boolean): void {
  if (isNativeWhiteout(inode) && !inRoot) throw wrongEpoch(inode, 'character device with number 0 below the root');
  const { tailOffset, tailSize } = dataOf(inode);
  // Kernels before 6.12 refuse such links.
  if (inode.kind === 'symlink' && tailSize > 0 && (inode.offset % BLOCK) + (tailOffset + tailSize - inode.offset) > BLOCK) {
    throw wrongEpoch(inode, 'symbolic link in two blocks');
  }
}

/** With a wrong filter kernels do not find attributes that readers like this one see. */
function checkFilter({ filter, shared, local }: InodeXattrs, { offset }: Inode): void {
  let present = 0;
  for (const { filterBit } of shared) present |= filterBit;
  for (const { filterBit } of local) present |= filterBit;
  if (~present >>> 0 !== filter) throw new ErofsError('INVALID_XATTR', 'wrong filter of names', { offset });
}

function wrongEpoch({ offset }: Inode, message: string): ErofsError {
  return new ErofsError('WRONG_EPOCH', message, { offset });
}

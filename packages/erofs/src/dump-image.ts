import { toLatin1 } from '@cfskit/binary';
import { formatDumpLine, formatHardLinkLine, PERMISSIONS, TYPE_BITS, type ByteString, type DumpLine } from '@cfskit/fs-tree';
import { objectPath } from '@cfskit/fs-verity';
import { contentOf, targetOf } from './image-content.ts';
import type { ErofsImage } from './image.ts';
import { isDropped } from './read-tree.ts';
import { TreeXattrReader } from './tree-xattrs.ts';
import { isWhiteout, walkImage, type ImageNode, type ImageVisit, type WalkOptions } from './walk-image.ts';

/** What to print. */
export interface DumpImageOptions extends Omit<WalkOptions, 'profile'> {
  /** Only the root and what these entries of it hold. */
  readonly filter?: readonly ByteString[];
}

/**
 * The dump of an image as `composefs-info dump` prints it, line by line, without line feeds: sizes, link counts and the order of attributes are
 * those of the image, and every name of a file repeats its fields. (The dump of a tree, `dumpLines` of `@cfskit/fs-tree`, has the form of
 * composefs-rs.)
 *
 * @throws {ErofsError} as `readTree` with profile `c`; lines before the trouble have been given by then
 */
export function* dumpImage(image: ErofsImage, { filter, ...options }: DumpImageOptions = {}): Generator<string, void> {
  const lines = new LineReader(image);
  const firstNames = new Map<number, ByteString>();
  for (const { visit, path } of paths(walkImage(image, { ...options, profile: 'c' }), filter)) {
    const { node } = visit;
    if (isDropped(visit, 'c')) continue;
    const line = lines.lineOf(node, path);
    const first = firstNames.get(node.index);
    if (first === undefined) firstNames.set(node.index, path);
    yield first === undefined ? formatDumpLine(line) : formatHardLinkLine(path, first, line);
  }
}

/** Visits with their paths; those outside of the filter are left out. */
function* paths(visits: Iterable<ImageVisit>, filter: readonly ByteString[] | undefined): Generator<{ visit: ImageVisit; path: ByteString }, void> {
  const prefixes = ['/'];
  let included = true;
  for (const visit of visits) {
    const { name, depth, parent, node } = visit;
    if (depth === 0) included = parent === undefined || filter === undefined || filter.includes(name);
    if (!included) continue;
    const path = prefixes[depth]! + name;
    if (parent !== undefined && node.inode.kind === 'directory') prefixes[depth + 1] = `${path}/`;
    yield { visit, path };
  }
}

class LineReader {
  readonly #image: ErofsImage;
  readonly #xattrs = new TreeXattrReader('c');

  constructor(image: ErofsImage) {
    this.#image = image;
  }

  lineOf(node: ImageNode, path: ByteString): DumpLine {
    const { inode, xattrs } = node;
    const { nlink, uid, gid, mtime, offset } = inode;
    const kind = isWhiteout(node) ? 'character-device' : inode.kind;
    return {
      path,
      size: kind === inode.kind ? inode.size : 0,
      mode: TYPE_BITS[kind] | (inode.mode & PERMISSIONS),
      nlink,
      uid,
      gid,
      rdev: inode.kind === 'character-device' || inode.kind === 'block-device' ? inode.u : 0,
      mtime,
      xattrs: this.#xattrs.list([...xattrs.local, ...xattrs.shared], offset),
      ...(kind === 'file' ? this.#contentFields(node) : {}),
      ...(kind === 'symlink' ? { payload: targetOf(this.#image, inode) } : {}),
    };
  }

  #contentFields(node: ImageNode): Pick<DumpLine, 'payload' | 'content' | 'digest'> {
    const content = contentOf(this.#image, node);
    switch (content.kind) {
      case 'inline':
        return { content: toLatin1(content.bytes) };
      case 'external':
        return { payload: content.payload ?? objectPath(content.objectId), digest: content.objectId };
      case 'external-no-verity':
        return { payload: content.payload };
      default:
        return {};
    }
  }
}

import { toLatin1 } from '@cfskit/binary';
import {
  formatDumpLine,
  formatHardLinkLine,
  PERMISSIONS,
  TYPE_BITS,
  type ByteString,
  type DumpLine,
  type FileContent,
} from '@cfskit/fs-tree';
import { objectPath } from '@cfskit/fs-verity';
import { contentOf, targetOf } from './image-content.ts';
import type { ErofsImage } from './image.ts';
import { OverlayStateReader } from './overlay-state.ts';
import type { Inode } from './read-inode.ts';
import { isDropped } from './read-tree.ts';
import { XattrReader } from './read-xattrs.ts';
import { TreeXattrReader } from './tree-xattrs.ts';
import { walkImage, type ImageVisit, type WalkOptions } from './walk-image.ts';

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
  const firstPaths = new Map<number, ByteString>();
  for (const { visit, path } of paths(walkImage(image, { ...options, profile: 'c' }), filter)) {
    if (isDropped(visit, 'c')) continue;
    const line = lines.lineOf(visit.inode, path);
    const first = firstPaths.get(visit.index);
    if (first === undefined && visit.inode.kind !== 'directory') firstPaths.set(visit.index, path);
    yield first === undefined ? formatDumpLine(line) : formatHardLinkLine(path, first, line);
  }
}

/** Visits with their paths; those outside of the filter are left out. */
function* paths(
  visits: Iterable<ImageVisit>,
  filter: readonly ByteString[] | undefined,
): Generator<{ visit: ImageVisit; path: ByteString }, void> {
  const prefixes = ['/'];
  let included = true;
  for (const visit of visits) {
    const { name, depth, parent, inode } = visit;
    if (depth === 0) included = parent === undefined || filter === undefined || filter.includes(name);
    if (!included) continue;
    const path = prefixes[depth]! + name;
    if (parent !== undefined && inode.kind === 'directory') prefixes[depth + 1] = `${path}/`;
    yield { visit, path };
  }
}

class LineReader {
  readonly #image: ErofsImage;
  readonly #xattrs: XattrReader;
  readonly #overlay = new OverlayStateReader(undefined);
  readonly #treeXattrs = new TreeXattrReader('c');

  constructor(image: ErofsImage) {
    this.#image = image;
    this.#xattrs = new XattrReader(image);
  }

  lineOf(inode: Inode, path: ByteString): DumpLine {
    const { nlink, uid, gid, mtime, offset } = inode;
    const xattrs = this.#xattrs.read(inode);
    const overlay = this.#overlay.read(xattrs, offset);
    const kind = inode.kind === 'file' && overlay.whiteout ? 'character-device' : inode.kind;
    return {
      path,
      size: kind === inode.kind ? inode.size : 0,
      mode: TYPE_BITS[kind] | (inode.mode & PERMISSIONS),
      nlink,
      uid,
      gid,
      rdev: inode.kind === 'character-device' || inode.kind === 'block-device' ? inode.u : 0,
      mtime,
      xattrs: this.#treeXattrs.list([...xattrs.local, ...xattrs.shared]),
      ...(kind === 'file' ? contentFields(contentOf(this.#image, inode, overlay)) : {}),
      ...(kind === 'symlink' ? { payload: targetOf(this.#image, inode) } : {}),
    };
  }
}

function contentFields(content: FileContent): Pick<DumpLine, 'payload' | 'content' | 'digest'> {
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

import { checkDevice, checkTarget, checkXattrs, DEPTH_MAX, SIZE_MAX } from './bounds.ts';
import { FsTreeError } from './errors.ts';
import type { ByteString } from './escape.ts';
import { isWhiteout, type Directory, type FileContent, type Leaf } from './node.ts';
import { countLinks, walkTree } from './walk-tree.ts';

/**
 * Check that images can hold a tree, before one is written: no whiteout has two names, and targets, device numbers, sizes, extended
 * attributes and depth are within bounds. Names are checked when they are inserted.
 *
 * @throws {FsTreeError} LINKED_WHITEOUT, INVALID_TARGET, INVALID_DEVICE, INVALID_SIZE, INVALID_XATTR, LIMIT
 */
export function checkTree(root: Directory): void {
  const links = countLinks(root);
  for (const { path, node, depth } of walkTree(root)) {
    checkXattrs(path, node.stat.xattrs);
    if (node.kind !== 'directory') checkLeaf(path, node, links.get(node) ?? 0);
    else if (depth >= DEPTH_MAX) throw new FsTreeError('LIMIT', '', `directories nest ${depth} deep, less than ${DEPTH_MAX} are possible`);
  }
}

function checkLeaf(path: ByteString, leaf: Leaf, links: number): void {
  switch (leaf.kind) {
    case 'file':
      checkSize(path, sizeOf(leaf.content));
      break;
    case 'symlink':
      checkTarget(path, leaf.target);
      break;
    case 'character-device':
    case 'block-device':
      checkDevice(path, leaf.rdev);
      if (links > 1 && isWhiteout(leaf)) throw new FsTreeError('LINKED_WHITEOUT', path, `whiteout with ${links} names`);
      break;
    default:
  }
}

function sizeOf(content: FileContent): number {
  return content.kind === 'inline' ? content.bytes.length : content.size;
}

function checkSize(path: ByteString, size: number): void {
  if (!(Number.isInteger(size) && size >= 0 && size <= SIZE_MAX)) throw new FsTreeError('INVALID_SIZE', path, `file size ${size}`);
}

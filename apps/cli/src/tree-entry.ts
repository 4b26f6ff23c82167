import { fromLatin1 } from '@cfskit/binary';
import { objectOf, walkTree, type ByteString, type Node } from '@cfskit/fs-tree';
import type { ListedEntry } from './listed-entry.ts';
import { pathBytes } from './image-path.ts';

/**
 * What a listing shows of a path: the entries of a directory, by their names; of anything else itself. All that is below a directory comes with
 * its path.
 *
 * @param path absolute
 */
export function* listNode(path: ByteString, node: Node, recursive: boolean): Generator<ListedEntry, void> {
  if (node.kind !== 'directory') {
    yield listEntry(path, node, path);
    return;
  }
  for (const visit of walkTree(node, path, recursive ? Infinity : 1)) {
    if (visit.depth === 0) continue;
    yield listEntry(visit.path, visit.node, recursive ? visit.path : visit.path.slice(visit.path.lastIndexOf('/') + 1));
  }
}

function listEntry(path: ByteString, node: Node, name: ByteString): ListedEntry {
  const { mode, uid, gid, mtime } = node.stat;
  return {
    path: pathBytes(path),
    name: pathBytes(name),
    kind: node.kind,
    mode,
    uid,
    gid,
    size: sizeOf(node),
    mtime,
    target: node.kind === 'symlink' ? fromLatin1(node.target) : undefined,
    object: node.kind === 'file' ? objectOf(node.content) : undefined,
  };
}

function sizeOf(node: Node): number {
  if (node.kind === 'symlink') return node.target.length;
  if (node.kind !== 'file') return 0;
  return node.content.kind === 'inline' ? node.content.bytes.length : node.content.size;
}

import { fromLatin1 } from '@cfskit/binary';
import { Directory, EPOCH, NO_XATTRS, type Leaf, type Node, type Stat } from '@cfskit/fs-tree';
import type { ReadEntry } from './read-tar.ts';

/** The tree that a tar unpacks to, for a dump. A hard link in front of its target, or a name that is there twice, is an error. */
export function treeOfTar(entries: readonly ReadEntry[]): Directory {
  const root = new Directory(statOf({ mode: 0o755, uid: 0, gid: 0 }));
  const directories = new Map<string, Directory>([['', root]]);
  for (const entry of entries.filter(({ type, path }) => type === 'directory' && path !== '.').toSorted(byPath)) {
    const directory = new Directory(statOf(entry));
    insert(directories, entry.path, directory);
    directories.set(entry.path, directory);
  }
  const leaves = new Map<string, Leaf>();
  for (const entry of entries.filter(({ type }) => type !== 'directory')) {
    const leaf = entry.type === 'hard-link' ? leaves.get(entry.target) : leafOf(entry);
    if (leaf === undefined) throw new Error(`${entry.path} links to ${entry.target}, which is not there yet`);
    leaves.set(entry.path, leaf);
    insert(directories, entry.path, leaf);
  }
  return root;
}

function insert(directories: ReadonlyMap<string, Directory>, path: string, node: Node): void {
  const slash = path.lastIndexOf('/');
  const parent = directories.get(slash === -1 ? '' : path.slice(0, slash));
  const name = path.slice(slash + 1);
  if (parent === undefined || parent.get(name) !== undefined) throw new Error(`${path} is there twice, or its directory is not`);
  parent.insert(name, node);
}

function leafOf(entry: ReadEntry): Leaf {
  const stat = statOf(entry);
  switch (entry.type) {
    case 'file':
      return { kind: 'file', stat, content: { kind: 'inline', bytes: fromLatin1(entry.content) } };
    case 'symlink':
      return { kind: 'symlink', stat, target: entry.target };
    case 'character-device':
    case 'block-device':
      return { kind: entry.type, stat, rdev: entry.rdev };
    case 'fifo':
      return { kind: 'fifo', stat };
    default:
      throw new Error(`${entry.path} is of type ${entry.type}`);
  }
}

function statOf({ mode, uid, gid }: Pick<ReadEntry, 'mode' | 'uid' | 'gid'>): Stat {
  return { mode, uid, gid, mtime: EPOCH, xattrs: NO_XATTRS };
}

function byPath(a: ReadEntry, b: ReadEntry): number {
  return a.path < b.path ? -1 : 1;
}

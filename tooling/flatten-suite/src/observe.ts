import { lstatSync, readdirSync, readFileSync, readlinkSync, type Stats } from 'node:fs';
import { toLatin1 } from '@cfskit/binary';
import { Directory, dumpLines, EPOCH, kindOf, NO_XATTRS, PERMISSIONS, walkTree, type Leaf, type Stat } from '@cfskit/fs-tree';

/** Metadata of the root in every dump. */
const ROOT: Stat = { mode: 0o755, uid: 0, gid: 0, mtime: EPOCH, xattrs: NO_XATTRS };

/** How a directory is looked at. */
export interface ObserveOptions {
  /** Every owner counts as 0:0, as for an ordinary user, who cannot give files away. */
  readonly ignoreOwners?: boolean;
}

/** The dump of a directory in the form of the cases. For small trees. */
export function observe(path: string, options: ObserveOptions = {}): string {
  const root = new Directory(ROOT);
  fill(root, Buffer.from(path), new Map());
  return caseDump(root, options);
}

/** The dump of a tree in the form of the cases: times, extended attributes and the metadata of the root left out. The tree is changed. */
export function caseDump(root: Directory, { ignoreOwners = false }: ObserveOptions = {}): string {
  for (const { node } of walkTree(root)) {
    node.stat = { ...node.stat, mtime: EPOCH, xattrs: NO_XATTRS, ...(ignoreOwners && { uid: 0, gid: 0 }) };
  }
  root.stat = ROOT;
  return [...dumpLines(root)].map((line) => `${line}\n`).join('');
}

function fill(directory: Directory, path: Buffer, leaves: Map<string, Leaf>): void {
  for (const name of readdirSync(path, { encoding: 'buffer' })) {
    const child = Buffer.concat([path, Buffer.from('/'), name]);
    const status = lstatSync(child);
    if (status.isDirectory()) {
      const below = new Directory(statOf(status));
      directory.insert(toLatin1(name), below);
      fill(below, child, leaves);
    } else {
      const inode = `${status.dev}:${status.ino}`;
      const leaf = leaves.get(inode) ?? leafOf(child, status);
      leaves.set(inode, leaf);
      directory.insert(toLatin1(name), leaf);
    }
  }
}

function statOf({ mode, uid, gid }: Stats): Stat {
  return { ...ROOT, mode: mode & PERMISSIONS, uid, gid };
}

function leafOf(path: Buffer, status: Stats): Leaf {
  const stat = statOf(status);
  const kind = kindOf(status.mode);
  switch (kind) {
    case 'file':
      return { kind, stat, content: { kind: 'inline', bytes: readFileSync(path) } };
    case 'symlink':
      return { kind, stat, target: toLatin1(readlinkSync(path, 'buffer')) };
    case 'character-device':
    case 'block-device':
      return { kind, stat, rdev: status.rdev };
    case 'fifo':
    case 'socket':
      return { kind, stat };
    default:
      throw new Error(`mode ${status.mode.toString(8)} of ${path.toString()}`);
  }
}

import { FsTreeError } from './errors.ts';
import type { ByteString } from './escape.ts';
import type { Directory, Node } from './node.ts';
import { compareTimes, NO_XATTRS, type Time, type Xattrs } from './stat.ts';
import { directoriesOf } from './walk-tree.ts';

/**
 * Which extended attributes an image of layers keeps.
 *
 * - `allowlist-only`: `security.capability`
 * - `keep-user-xattrs`: that, and every name that starts with `user.`
 */
export type XattrMode = (typeof XATTR_MODES)[number];

/** The modes, in the order in which they are tried where all are. */
export const XATTR_MODES = ['allowlist-only', 'keep-user-xattrs'] as const;

/** @throws {FsTreeError} UNKNOWN_XATTR_MODE, with the modes there are */
export function parseXattrMode(text: string): XattrMode {
  const mode = XATTR_MODES.find((known) => known === text);
  if (mode === undefined)
    throw new FsTreeError('UNKNOWN_XATTR_MODE', '', `unknown xattr mode ${JSON.stringify(text)}, wanted ${XATTR_MODES.join(' or ')}`);
  return mode;
}

/**
 * What is done to every tree of layers, or of a container's root, before it becomes an image: the root gets the metadata of `/usr`, `/run`
 * is emptied, and extended attributes are filtered. Without it the id would depend on what a runtime put there.
 *
 * @throws {FsTreeError} NOT_FOUND or NOT_A_DIRECTORY for `/usr`, NOT_A_DIRECTORY for `/run`
 */
export function transformForOci(root: Directory<unknown>, xattrs: XattrMode = 'allowlist-only'): void {
  const usr = root.get('usr');
  if (usr === undefined) throw new FsTreeError('NOT_FOUND', '/usr', 'no such directory');
  root.stat = requireDirectory(usr, '/usr').stat;
  emptyRun(root, root.stat.mtime);
  filterXattrs(root, (name) => name === 'security.capability' || (xattrs === 'keep-user-xattrs' && name.startsWith('user.')));
}

/** Keep only the extended attributes whose names satisfy `keep`, in the whole tree. */
export function filterXattrs(root: Directory<unknown>, keep: (name: ByteString) => boolean): void {
  const filtered = new Map<Xattrs, Xattrs>(); // nodes share sets of attributes, and go on sharing them
  for (const node of nodesOf(root)) {
    const { xattrs } = node.stat;
    if (xattrs.size === 0) continue;
    let kept = filtered.get(xattrs);
    if (kept === undefined) {
      kept = filterSet(xattrs, keep);
      filtered.set(xattrs, kept);
    }
    if (kept !== xattrs) node.stat = { ...node.stat, xattrs: kept };
  }
}

/** Set every modification time. */
export function setTimes(root: Directory<unknown>, mtime: Time): void {
  for (const node of nodesOf(root)) node.stat = { ...node.stat, mtime };
}

/** Remove character and block devices, whiteouts too. */
export function removeDevices(root: Directory<unknown>): void {
  for (const directory of directoriesOf(root)) {
    for (const [name, { kind }] of directory.entries()) {
      if (kind === 'character-device' || kind === 'block-device') directory.remove(name);
    }
  }
}

/** The latest modification time in a tree, its root included. */
export function newestTime(root: Directory<unknown>): Time {
  let newest = root.stat.mtime;
  for (const { stat } of nodesOf(root)) if (compareTimes(stat.mtime, newest) > 0) newest = stat.mtime;
  return newest;
}

function emptyRun(root: Directory<unknown>, mtime: Time): void {
  const node = root.get('run');
  if (node === undefined) return;
  const run = requireDirectory(node, '/run');
  run.clear();
  run.stat = { ...run.stat, mtime };
}

function requireDirectory(node: Node<unknown>, path: ByteString): Directory<unknown> {
  if (node.kind !== 'directory') throw new FsTreeError('NOT_A_DIRECTORY', path, `wanted a directory, found a ${node.kind}`);
  return node;
}

function filterSet(xattrs: Xattrs, keep: (name: ByteString) => boolean): Xattrs {
  const kept = [...xattrs].filter(([name]) => keep(name));
  if (kept.length === xattrs.size) return xattrs;
  return kept.length === 0 ? NO_XATTRS : new Map(kept);
}

/** Every directory, and every leaf once for each of its names. */
function* nodesOf(root: Directory<unknown>): Generator<Node<unknown>, void> {
  yield root;
  for (const directory of directoriesOf(root)) for (const [, node] of directory.entries()) yield node;
}

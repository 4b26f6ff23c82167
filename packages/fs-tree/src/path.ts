import { fromLatin1, toLatin1 } from '@cfskit/binary';
import { FsTreeError } from './errors.ts';
import type { ByteString } from './escape.ts';
import type { Directory, Leaf, Node } from './node.ts';

/** As many symbolic links are followed in one path. */
const LINKS_MAX = 40;

/** The components of a path; empty ones and `.` vanish, so a leading slash makes no difference. */
export function splitPath(path: ByteString): ByteString[] {
  return path.split('/').filter((name) => name !== '' && name !== '.');
}

/** The same name, which does not keep the path alive that it was cut from: engines make long parts of a text from the whole. */
export function ownName(name: ByteString): ByteString {
  return toLatin1(fromLatin1(name));
}

/** The absolute path of components; `/` for none. */
export function joinPath(names: readonly ByteString[]): ByteString {
  return `/${names.join('/')}`;
}

/**
 * What stands at a path. Symbolic links are not followed; the empty path and `/` are the root.
 *
 * @throws {FsTreeError} NOT_FOUND, NOT_A_DIRECTORY, INVALID_PATH for `..`
 */
export function lookup<C>(root: Directory<C>, path: ByteString): Node<C> {
  return lookupNames(root, splitPath(path));
}

/** {@link lookup} by components. */
export function lookupNames<C>(root: Directory<C>, names: readonly ByteString[]): Node<C> {
  const name = names.at(-1);
  if (name === undefined) return root;
  refuseParent(names);
  const node = openDirectory(root, names, names.length - 1).get(name);
  if (node === undefined) throw new FsTreeError('NOT_FOUND', joinPath(names), 'no such file or directory');
  return node;
}

/**
 * The directory that the first `count` components lead to.
 *
 * @throws {FsTreeError} NOT_FOUND, NOT_A_DIRECTORY
 */
export function openDirectory<C>(root: Directory<C>, names: readonly ByteString[], count: number): Directory<C> {
  let directory = root;
  for (let i = 0; i < count; i++) {
    const node = directory.get(names[i]!);
    if (node?.kind !== 'directory') throw noDirectory(names.slice(0, i + 1), node);
    directory = node;
  }
  return directory;
}

/** @throws {FsTreeError} INVALID_PATH if a component is `..` */
export function refuseParent(names: readonly ByteString[]): void {
  if (names.includes('..')) throw new FsTreeError('INVALID_PATH', joinPath(names), 'path with a .. component');
}

/** How far a path led: the directories passed, the root first, and what is missing behind the last. */
export interface Walk<C> {
  readonly trail: readonly Directory<C>[];
  readonly missing: readonly ByteString[];
  /** The leaf that stands where a directory is needed, if one does. */
  readonly blocked?: Leaf<C>;
  /** Whether it was met at the end of the path, with nothing left to look up in it. */
  readonly atEnd: boolean;
}

/**
 * Go to a directory, following symbolic links as if `root` were the root of the file system: absolute targets start there, and `..` stops
 * there. Below a missing name nothing is looked up, and `..` takes the name back.
 *
 * @throws {FsTreeError} SYMLINK_LOOP after 40 links
 */
export function walk<C>(root: Directory<C>, names: readonly ByteString[]): Walk<C> {
  const trail = [root];
  const missing: ByteString[] = [];
  const ahead = names.toReversed();
  let links = 0;
  for (let name = ahead.pop(); name !== undefined; name = ahead.pop()) {
    if (name === '..') stepUp(trail, missing);
    else if (missing.length > 0) missing.push(name);
    else {
      const node = trail.at(-1)!.get(name);
      if (node === undefined) missing.push(name);
      else if (node.kind === 'directory') trail.push(node);
      else if (node.kind !== 'symlink') return { trail, missing, blocked: node, atEnd: ahead.length === 0 };
      else {
        if (++links > LINKS_MAX) throw new FsTreeError('SYMLINK_LOOP', joinPath(names), `more than ${LINKS_MAX} symbolic links`);
        if (node.target.startsWith('/')) trail.length = 1;
        ahead.push(...splitPath(node.target).toReversed());
      }
    }
  }
  return { trail, missing, atEnd: true };
}

/**
 * What stands at a path when every symbolic link is followed, also in the last component.
 *
 * @throws {FsTreeError} NOT_FOUND, NOT_A_DIRECTORY, SYMLINK_LOOP
 */
export function follow<C>(root: Directory<C>, path: ByteString): Node<C> {
  const names = splitPath(path);
  const { trail, missing, blocked, atEnd } = walk(root, names);
  if (blocked !== undefined && !atEnd) throw noDirectory(names, blocked);
  if (blocked !== undefined) return blocked;
  if (missing.length > 0) throw new FsTreeError('NOT_FOUND', joinPath(names), 'no such file or directory');
  return trail.at(-1)!;
}

function stepUp(trail: unknown[], missing: unknown[]): void {
  if (missing.length > 0) missing.pop();
  else if (trail.length > 1) trail.pop();
}

function noDirectory(names: readonly ByteString[], node: Leaf<unknown> | undefined): FsTreeError {
  const path = joinPath(names);
  return node === undefined
    ? new FsTreeError('NOT_FOUND', path, 'no such directory')
    : new FsTreeError('NOT_A_DIRECTORY', path, `wanted a directory, found a ${node.kind}`);
}

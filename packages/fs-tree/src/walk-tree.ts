import type { ByteString } from './escape.ts';
import type { Directory, Leaf, Node } from './node.ts';

/** A node met on the way through a tree. A leaf with several names is met once for each. */
export interface Visit<C> {
  /** From the start of the walk, which is `/` by default. */
  readonly path: ByteString;
  readonly node: Node<C>;
  /** Levels below the start. */
  readonly depth: number;
}

/**
 * Go through a tree depth first, a directory before its entries, entries in byte order. Recursion is not used, so depth does not matter.
 *
 * @param path of the start
 * @param maxDepth how many levels below the start to visit; all by default
 */
export function* walkTree<C>(start: Node<C>, path: ByteString = '/', maxDepth: number = Infinity): Generator<Visit<C>, void> {
  yield { path, node: start, depth: 0 };
  if (start.kind !== 'directory' || maxDepth < 1) return;
  const levels = [level(start, path)];
  for (let top = levels.at(-1); top !== undefined; top = levels.at(-1)) {
    const next = top.entries.next();
    if (next.done === true) {
      levels.pop();
      continue;
    }
    const [name, node] = next.value;
    const childPath = top.prefix + name;
    yield { path: childPath, node, depth: levels.length };
    if (node.kind === 'directory' && levels.length < maxDepth) levels.push(level(node, childPath));
  }
}

/** How many names each leaf of a tree has. */
export function countLinks<C>(root: Directory<C>): Map<Leaf<C>, number> {
  const links = new Map<Leaf<C>, number>();
  for (const directory of directoriesOf(root)) {
    for (const [, node] of directory.entries()) {
      if (node.kind !== 'directory') links.set(node, (links.get(node) ?? 0) + 1);
    }
  }
  return links;
}

/** Every directory of a tree, parents before their children. */
export function directoriesOf<C>(root: Directory<C>): readonly Directory<C>[] {
  const directories = [root];
  for (const directory of directories) {
    for (const [, node] of directory.entries()) if (node.kind === 'directory') directories.push(node);
  }
  return directories;
}

/** The link count of a node: for a directory 2 and one for each directory in it. */
export function linkCount<C>(node: Node<C>, links: ReadonlyMap<Leaf<C>, number>): number {
  if (node.kind !== 'directory') return links.get(node) ?? 0;
  let count = 2;
  for (const [, child] of node.entries()) if (child.kind === 'directory') count++;
  return count;
}

interface Level<C> {
  readonly prefix: ByteString;
  readonly entries: MapIterator<[ByteString, Node<C>]>;
}

function level<C>(directory: Directory<C>, path: ByteString): Level<C> {
  return { prefix: path === '/' ? path : `${path}/`, entries: directory.entries() };
}

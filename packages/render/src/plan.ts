import { splitPath, type ByteString, type Directory, type Leaf, type MergedTree, type Node } from '@cfskit/fs-tree';
import { statOf, type EntryStat, type FileSize, type IndexedEntry, type Origin } from './layer-entry.ts';

/** One entry of the result. */
export interface OutputEntry {
  /** Relative and clean: components with a slash between each two. Empty for the root. */
  readonly path: ByteString;
  readonly kind: Exclude<Node['kind'], 'socket'> | 'hard-link';
  readonly stat: EntryStat;
  /** Bytes of content, of a file. */
  readonly size: number;
  /** Of a symbolic link, as it was; of a hard link, the path of what it links to. */
  readonly target: ByteString;
  /** Of a hard link: what it links to. */
  readonly linked?: OutputEntry;
  /** Of a device. */
  readonly rdev: number;
}

/** An entry for an inode whose own name is not visible: another of its names takes its place. */
interface PromotedEntry {
  readonly entry: OutputEntry;
  /** The path that the inode had. */
  readonly hiddenPath: ByteString;
}

/** Entries of a layer by ordinal; nothing stands for those that are hidden. */
type VisibleEntries = readonly (OutputEntry | undefined)[];

/** The result, and where the contents of its files are. */
export interface Plan {
  readonly root: Directory<FileSize>;
  readonly rootStat: EntryStat;
  /** Directories that no entry describes, sorted, parents first. */
  readonly implied: readonly OutputEntry[];
  /** Per layer: what of it is visible, by ordinal. */
  readonly layers: readonly VisibleEntries[];
  /** By origin of the inode, and sorted by the hidden path. */
  readonly promoted: readonly PromotedEntry[];
  /** The other names, oldest layer first, in the order of their tars. */
  readonly links: readonly OutputEntry[];
}

interface Name {
  readonly path: ByteString;
  readonly position: Origin;
}

/**
 * What to write, and in which order, for a merged tree.
 *
 * A group of names of one inode is written once: under the inode's own name if that is visible, otherwise under the name that the oldest
 * layer gave it first. The others become hard links to that.
 */
export function planOutput(tree: MergedTree<FileSize>, layers: readonly (readonly IndexedEntry[])[]): Plan {
  const implied: OutputEntry[] = [];
  const visible = layers.map(({ length }) => Array.from<OutputEntry | undefined>({ length }));
  const linked = new Map<Leaf<FileSize>, Name[]>();
  const positionOf = positions(tree, layers);
  for (const named of visits(tree.root)) {
    const { path, node } = named;
    const stat = statOf(node.stat);
    const { origin } = stat;
    if (origin === undefined) implied.push(outputEntry(path, node, stat));
    else if (node.kind === 'directory') visible[origin.layer]![origin.ordinal] = outputEntry(path, node, stat);
    else {
      const position = positionOf(named, origin);
      const isOwn = position.layer === origin.layer && position.ordinal === origin.ordinal;
      if (isOwn) visible[origin.layer]![origin.ordinal] = outputEntry(path, node, stat);
      else addTo(linked, node, { path, position });
    }
  }
  return { root: tree.root, rootStat: rootStatOf(tree.root), implied, layers: visible, ...planLinks(linked, visible, layers) };
}

/** A root that no entry describes is as other directories are then, whatever the policy has there. */
function rootStatOf(root: Directory<FileSize>): EntryStat {
  const stat = statOf(root.stat);
  return stat.origin === undefined ? { ...stat, mode: IMPLIED_MODE } : stat;
}

const IMPLIED_MODE = 0o755;

/**
 * Which entry wrote a name. In archive order the merge does not say; there the path tells whether it was the inode's own entry, and the other
 * names come in the order of the tree.
 */
function positions(tree: MergedTree<FileSize>, layers: readonly (readonly IndexedEntry[])[]): (name: NamedNode, origin: Origin) => Origin {
  let others = 0;
  return ({ directory, name, path }, origin) => {
    const position = tree.position(directory, name);
    if (position?.ordinal !== undefined) return { layer: position.layer, ordinal: position.ordinal };
    const own = splitPath(layers[origin.layer]![origin.ordinal]!.path).join('/');
    return own === path ? origin : { layer: layers.length, ordinal: others++ };
  };
}

function planLinks(
  linked: ReadonlyMap<Leaf<FileSize>, Name[]>,
  visible: readonly VisibleEntries[],
  layers: readonly (readonly IndexedEntry[])[],
): Pick<Plan, 'promoted' | 'links'> {
  const promoted: PromotedEntry[] = [];
  const links: (Name & { readonly entry: OutputEntry })[] = [];
  for (const [leaf, names] of linked) {
    const stat = statOf(leaf.stat);
    const { layer, ordinal } = stat.origin!;
    names.sort(byPosition);
    let target = visible[layer]![ordinal];
    if (target === undefined) {
      target = outputEntry(names.shift()!.path, leaf, stat);
      promoted.push({ entry: target, hiddenPath: layers[layer]![ordinal]!.path });
    }
    for (const name of names) links.push({ ...name, entry: linkEntry(name.path, target) });
  }
  promoted.sort((a, b) => compare(a.hiddenPath, b.hiddenPath) || compare(a.entry.path, b.entry.path));
  return { promoted, links: links.toSorted(byPosition).map(({ entry }) => entry) };
}

/** The entry for a node under its path. */
export function outputEntry(path: ByteString, node: Node<FileSize>, stat: EntryStat): OutputEntry {
  return {
    path,
    kind: node.kind as OutputEntry['kind'], // tars have no sockets
    stat,
    size: node.kind === 'file' ? node.content.size : 0,
    target: node.kind === 'symlink' ? node.target : '',
    rdev: 'rdev' in node ? node.rdev : 0,
  };
}

/** The entry for one more name of an inode. */
export function linkEntry(path: ByteString, linked: OutputEntry): OutputEntry {
  return { path, kind: 'hard-link', stat: linked.stat, size: 0, target: linked.path, linked, rdev: 0 };
}

/** A name in a tree, and what it names. */
export interface NamedNode {
  readonly directory: Directory<FileSize>;
  readonly name: ByteString;
  readonly path: ByteString;
  readonly node: Node<FileSize>;
}

/** Every name of a tree, depth first, directories before what is in them, names in byte order. */
export function* visits(root: Directory<FileSize>): Generator<NamedNode, void> {
  const levels = [{ directory: root, prefix: '', entries: root.entries() }];
  for (let level = levels.at(-1); level !== undefined; level = levels.at(-1)) {
    const next = level.entries.next();
    if (next.done === true) {
      levels.pop();
      continue;
    }
    const [name, node] = next.value;
    const path = level.prefix + name;
    yield { directory: level.directory, name, path, node };
    if (node.kind === 'directory') levels.push({ directory: node, prefix: `${path}/`, entries: node.entries() });
  }
}

function addTo<K, V>(map: Map<K, V[]>, key: K, value: V): void {
  const values = map.get(key);
  if (values === undefined) map.set(key, [value]);
  else values.push(value);
}

function byPosition({ position: a }: Name, { position: b }: Name): number {
  return a.layer - b.layer || a.ordinal - b.ordinal;
}

function compare(a: ByteString, b: ByteString): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

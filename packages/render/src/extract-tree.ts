import {
  Directory,
  joinPath,
  lookup,
  splitPath,
  walkTree,
  type ByteString,
  type FileContent,
  type FileLeaf,
  type Leaf,
  type Node,
  type Stat,
} from '@cfskit/fs-tree';
import { openDirectorySink, type DirectoryOptions, type DirectorySink } from './directory-sink.ts';
import { statOf, type EntryStat, type FileSize } from './layer-entry.ts';
import type { RenderReport } from './output-sink.ts';
import { linkEntry, outputEntry, type OutputEntry } from './plan.ts';
import { Turns } from './turns.ts';

/** What of a tree is extracted, and how. */
export interface ExtractOptions extends DirectoryOptions {
  /** Paths in the tree, each with everything below it; all unless told. Symbolic links are not followed. */
  readonly paths?: readonly ByteString[];
  readonly signal?: AbortSignal;
  /** Told in a sentence of what the result lacks. */
  readonly onWarning?: (text: string) => void;
}

/** What came of it. */
export interface ExtractResult {
  /** Of all files. */
  readonly bytes: number;
  readonly report: RenderReport;
}

/**
 * Unpack a tree, or parts of it, into a directory, each entry at its path, by the rules of other unpackings: owners, modes, attributes and times
 * as they are, nothing written outside of the directory, no symbolic link followed. Directories on the way to a path that was asked for have
 * their metadata, too, unless they are there already.
 *
 * What was written stays when something fails.
 *
 * @param to a directory that is made if need be
 * @param readContent the bytes of a file, exactly as many as the tree says, and checked by whoever gives them
 * @throws {RenderError} TARGET_NOT_EMPTY, TARGET_BLOCKED, OWNER_REFUSED, XATTR_REFUSED, DEVICE_REFUSED. {FsTreeError} NOT_FOUND,
 *   NOT_A_DIRECTORY, INVALID_PATH for a path. What `readContent` throws; the signal's reason. {RangeError} if it gives
 *   another number of bytes, which one that checks does not
 */
export async function extractTree(
  tree: Directory,
  to: string,
  readContent: (content: FileContent, path: ByteString) => AsyncIterable<Uint8Array>,
  options: ExtractOptions = {},
): Promise<ExtractResult> {
  const { paths = ['/'], signal, onWarning, ...rules } = options;
  const selection = select(tree, paths);
  const sink = await openDirectorySink(to, rules);
  try {
    await sink.begin({ root: selection.root, rootStat: statOf(selection.root.stat), implied: [], layers: [], promoted: [], links: [] });
    let sockets = 0;
    const turns = new Turns(signal);
    for (const entry of outputs(selection)) {
      await turns.take();
      if (entry === 'socket') sockets++;
      else await write(sink, entry, selection, readContent, turns);
    }
    if (sockets > 0) onWarning?.(`${sockets} sockets were left out`);
    return await sink.finish();
  } catch (error) {
    await sink.abort();
    throw error;
  }
}

/** A part of a tree in the form that sinks take, and where contents are. */
interface Selection {
  readonly root: Directory<FileSize>;
  readonly contents: ReadonlyMap<Leaf<FileSize>, FileContent>;
}

function select(tree: Directory, paths: readonly ByteString[]): Selection {
  const copier = new TreeCopier(tree);
  for (const path of paths) copier.copy(splitPath(path), lookup(tree, path));
  return { root: copier.root, contents: copier.contents };
}

class TreeCopier {
  readonly root: Directory<FileSize>;
  readonly contents = new Map<Leaf<FileSize>, FileContent>();
  readonly #tree: Directory;
  readonly #leaves = new Map<Leaf, Leaf<FileSize>>();

  constructor(tree: Directory) {
    this.#tree = tree;
    this.root = new Directory(tree.stat);
  }

  copy(names: readonly ByteString[], start: Node): void {
    const from = joinPath(names);
    for (const { path, node } of walkTree(start, from)) {
      const at = splitPath(path);
      if (node.kind === 'directory') this.#directory(at).stat = described(node.stat);
      else this.#directory(at.slice(0, -1)).insert(at.at(-1)!, this.#leaf(node));
    }
  }

  /** A directory of the copy. Those on the way are made as they are in the tree; nobody has asked for them. */
  #directory(names: readonly ByteString[]): Directory<FileSize> {
    let from: Node = this.#tree;
    let to: Node<FileSize> = this.root;
    for (const name of names) {
      from = (from as Directory).get(name)!;
      const known: Node<FileSize> | undefined = (to as Directory<FileSize>).get(name);
      const next: Node<FileSize> = known ?? new Directory<FileSize>(from.stat);
      if (known === undefined) (to as Directory<FileSize>).insert(name, next);
      to = next;
    }
    return to as Directory<FileSize>;
  }

  #leaf(leaf: Leaf): Leaf<FileSize> {
    const known = this.#leaves.get(leaf);
    if (known !== undefined) return known;
    const copy = this.#newLeaf(leaf);
    this.#leaves.set(leaf, copy);
    return copy;
  }

  #newLeaf(leaf: Leaf): Leaf<FileSize> {
    const stat = described(leaf.stat);
    switch (leaf.kind) {
      case 'file': {
        const file: FileLeaf<FileSize> = { kind: 'file', stat, content: { size: sizeOf(leaf.content) } };
        this.contents.set(file, leaf.content);
        return file;
      }
      case 'symlink':
        return { kind: 'symlink', stat, target: leaf.target };
      case 'character-device':
      case 'block-device':
        return { kind: leaf.kind, stat, rdev: leaf.rdev };
      default:
        return { kind: leaf.kind, stat };
    }
  }
}

function sizeOf(content: FileContent): number {
  return content.kind === 'inline' ? content.bytes.length : content.size;
}

/** Metadata that somebody asked for: they are also given to a directory that is there. */
function described(stat: Stat): EntryStat {
  return { ...stat, uname: '', gname: '', records: [], origin: { layer: 0, ordinal: 0 } };
}

type Output = OutputEntry & { readonly leaf: Leaf<FileSize> };

/** Everything but directories, in the order of the tree; further names of a file as links to the first. */
function* outputs({ root }: Selection): Generator<Output | 'socket', void> {
  const first = new Map<Leaf<FileSize>, OutputEntry>();
  for (const { path: absolute, node } of walkTree(root)) {
    if (node.kind === 'directory') continue;
    if (node.kind === 'socket') {
      yield 'socket';
      continue;
    }
    const path = absolute.slice(1);
    const linked = first.get(node);
    if (linked !== undefined) {
      yield { ...linkEntry(path, linked), leaf: node };
      continue;
    }
    const entry = { ...outputEntry(path, node, statOf(node.stat)), leaf: node };
    first.set(node, entry); // the same object: by it the sink knows what it has left out
    yield entry;
  }
}

async function write(
  sink: DirectorySink,
  entry: Output,
  { contents }: Selection,
  readContent: (content: FileContent, path: ByteString) => AsyncIterable<Uint8Array>,
  turns: Turns,
): Promise<void> {
  sink.entry(entry);
  const content = entry.kind === 'file' ? contents.get(entry.leaf) : undefined;
  if (content === undefined) return;
  let size = 0;
  for await (const piece of readContent(content, `/${entry.path}`)) {
    size += piece.byteLength;
    if (size <= entry.size) sink.data(piece);
    await turns.take();
  }
  if (size !== entry.size) throw new RangeError(`content of ${size} bytes for a file of ${entry.size}: /${entry.path}`);
  sink.end();
}

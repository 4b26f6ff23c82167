import { fromLatin1, toLatin1 } from '@cfskit/binary';
import { DEPTH_MAX } from './bounds.ts';
import { DumpLineParser, type DumpLineOptions, type LinkLine, type NodeLine } from './dump-parser.ts';
import { FsTreeError } from './errors.ts';
import type { ByteString } from './escape.ts';
import { Directory, isWhiteout, type DumpOrigin, type FileContent, type Leaf, type Node } from './node.ts';

/** How to read a dumpfile; the bounds are for hostile ones. */
export interface DumpReadOptions extends DumpLineOptions {
  /** Bytes of a line. Default 4 MiB: room for the longest possible path with every byte escaped. */
  readonly maxLineLength?: number;
  /** Default 10,000,000. */
  readonly maxLines?: number;
  /** Bytes of the file. Default 4 GiB. */
  readonly maxSize?: number;
  /** Directories nest less deep than this. Default 2048, which is what images can hold. */
  readonly maxDepth?: number;
}

const LINE_LENGTH_MAX = 4 * 1024 * 1024;
const LINES_MAX = 10_000_000;
const SIZE_MAX = 4 * 1024 ** 3;
/** Texts of at most this many characters are made from chunks: names are parts of them and keep them alive. */
const PIECE = 1024 * 1024;

/**
 * The tree that a dumpfile describes. Bytes above 0x7e are taken as they are, lines may end with a carriage return, blank ones are skipped.
 *
 * @returns the root
 * @throws {FsTreeError} with `line`: INVALID_DUMP, INVALID_NAME, INVALID_XATTR, NOT_FOUND, NOT_A_DIRECTORY, IS_A_DIRECTORY, LINKED_WHITEOUT, LIMIT
 */
export async function readDumpfile(
  source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  options: DumpReadOptions = {},
): Promise<Directory> {
  const reader = new DumpReader(options);
  for await (const chunk of source) reader.push(chunk);
  return reader.finish();
}

/** {@link readDumpfile} for a dumpfile in memory. */
export function parseDumpfile(bytes: Uint8Array, options: DumpReadOptions = {}): Directory {
  const reader = new DumpReader(options);
  reader.push(bytes);
  return reader.finish();
}

interface PendingLink {
  readonly line: LinkLine;
  readonly number: number;
  readonly directory: Directory;
  readonly name: ByteString;
}

class DumpReader {
  readonly #options: DumpReadOptions;
  readonly #parser: DumpLineParser;
  readonly #maxDepth: number;
  /** The start of a line whose end has not come yet. */
  #rest = '';
  #size = 0;
  #line = 0;
  #root: Directory | undefined;
  /** The directory of the last line, its path without a slash at the end, and its depth: the next line mostly has the same. */
  #parent: Directory | undefined;
  #parentPath = '';
  #parentDepth = 0;
  /** Stand in the tree where links will be. */
  readonly #links = new Map<Node, PendingLink>();

  constructor(options: DumpReadOptions) {
    this.#options = options;
    this.#parser = new DumpLineParser(options);
    this.#maxDepth = options.maxDepth ?? DEPTH_MAX;
  }

  push(chunk: Uint8Array): void {
    const { maxSize = SIZE_MAX } = this.#options;
    this.#size += chunk.length;
    if (this.#size > maxSize) throw new FsTreeError('LIMIT', '', `dumpfile of more than ${maxSize} bytes`);
    for (let at = 0; at < chunk.length; at += PIECE) this.#text(toLatin1(chunk.subarray(at, at + PIECE)));
  }

  finish(): Directory {
    if (this.#rest !== '') this.#addLine(this.#rest);
    if (this.#root === undefined) throw new FsTreeError('INVALID_DUMP', '', 'the dumpfile is empty, wanted the root directory');
    this.#resolveLinks(this.#root);
    return this.#root;
  }

  #text(text: ByteString): void {
    let start = 0;
    for (let end = text.indexOf('\n'); end !== -1; end = text.indexOf('\n', start)) {
      this.#addLine(this.#rest + text.slice(start, end));
      this.#rest = '';
      start = end + 1;
    }
    this.#rest += text.slice(start);
    this.#checkLength(this.#rest, this.#line + 1);
  }

  #checkLength(text: ByteString, line: number): void {
    const { maxLineLength = LINE_LENGTH_MAX } = this.#options;
    if (text.length > maxLineLength) throw new FsTreeError('LIMIT', '', `more than ${maxLineLength} bytes`, { line });
  }

  #addLine(text: ByteString): void {
    const { maxLines = LINES_MAX } = this.#options;
    if (++this.#line > maxLines) throw new FsTreeError('LIMIT', '', `more than ${maxLines} lines`);
    this.#checkLength(text, this.#line);
    const line = text.endsWith('\r') ? text.slice(0, -1) : text;
    if (/^[ \t\r\v\f]*$/.test(line)) return;
    try {
      this.#add(line);
    } catch (error) {
      throw located(error, this.#line);
    }
  }

  #add(text: ByteString): void {
    const line = this.#parser.parse(text);
    if (this.#root === undefined) this.#addRoot(line);
    else this.#addEntry(this.#root, line);
  }

  #addRoot(line: NodeLine | LinkLine): void {
    if (line.path !== '/' || line.kind !== 'directory')
      throw new FsTreeError('INVALID_DUMP', line.path, 'the first line must be the root directory');
    this.#root = new Directory(line.stat);
    this.#parent = this.#root;
  }

  #addEntry(root: Directory, line: NodeLine | LinkLine): void {
    const { path } = line;
    const slash = path.lastIndexOf('/');
    if (!path.startsWith('/')) throw new FsTreeError('INVALID_DUMP', path, 'the path is not absolute');
    if (path === '/') throw new FsTreeError('INVALID_DUMP', path, 'a second root');
    const directory = this.#open(root, path.slice(0, slash));
    const name = path.slice(slash + 1);
    if (directory.get(name) !== undefined) throw new FsTreeError('INVALID_DUMP', path, 'a second line for this path');
    if (this.#parentDepth + (line.kind === 'directory' ? 1 : 0) >= this.#maxDepth) {
      throw new FsTreeError('LIMIT', '', `directories nest less than ${this.#maxDepth} deep`);
    }
    if (line.kind === 'hard-link') this.#addLink(directory, name, line);
    else directory.insert(name, nodeOf(line, line.nlink === 1 ? undefined : { directory, name, nlink: line.nlink }));
  }

  #addLink(directory: Directory, name: ByteString, line: LinkLine): void {
    const place: Leaf = { kind: 'fifo', stat: directory.stat };
    directory.insert(name, place);
    this.#links.set(place, { line, number: this.#line, directory, name });
  }

  #open(root: Directory, path: ByteString): Directory {
    if (path === this.#parentPath && this.#parent !== undefined) return this.#parent;
    const names = path === '' ? [] : path.slice(1).split('/');
    const node = findNames(root, names);
    if (node === undefined) throw new FsTreeError('NOT_FOUND', path, 'no such directory before this line');
    if (node.kind !== 'directory') throw new FsTreeError('NOT_A_DIRECTORY', path, 'wanted a directory');
    this.#parent = node;
    this.#parentPath = path;
    this.#parentDepth = names.length;
    return node;
  }

  // Links may point forward and at other links, so they wait until all lines are there.
  #resolveLinks(root: Directory): void {
    for (const [place, link] of this.#links) {
      try {
        this.#resolve(root, place);
      } catch (error) {
        throw located(error, link.number);
      }
    }
  }

  #resolve(root: Directory, start: Node): void {
    const chain = new Map<Node, PendingLink>();
    let node = start;
    for (let link = this.#links.get(node); link !== undefined; link = this.#links.get(node)) {
      if (chain.has(node)) throw new FsTreeError('INVALID_DUMP', link.line.path, 'hard links in a circle');
      chain.set(node, link);
      node = findLinkTarget(root, link.line);
    }
    for (const [place, { directory, name }] of chain) {
      directory.insert(name, node);
      this.#links.delete(place);
    }
  }
}

/** What the target of a link is now; it may be the place of another link. */
function findLinkTarget(root: Directory, { path, target }: LinkLine): Node {
  if (!target.startsWith('/')) throw new FsTreeError('INVALID_DUMP', path, 'the target of the hard link is not absolute');
  const names = target.slice(1).split('/');
  const directory = findNames(root, names.slice(0, -1));
  const name = names.at(-1)!;
  const node = directory?.kind === 'directory' ? directory.get(name) : undefined;
  if (target === '/' || node?.kind === 'directory') throw new FsTreeError('IS_A_DIRECTORY', path, 'hard link to a directory');
  if (directory?.kind !== 'directory' || node === undefined) {
    throw new FsTreeError('NOT_FOUND', path, 'no line for the target of the hard link');
  }
  if (isWhiteout(node)) throw new FsTreeError('LINKED_WHITEOUT', path, 'hard link to a whiteout');
  node.origin ??= { directory, name, nlink: 1 };
  return node;
}

// Names are compared as they are: no directory holds an empty one or a dot.
function findNames(root: Directory, names: readonly ByteString[]): Node | undefined {
  let node: Node | undefined = root;
  for (const name of names) node = node?.kind === 'directory' ? node.get(name) : undefined;
  return node;
}

function nodeOf(line: NodeLine, origin: DumpOrigin | undefined): Node {
  const node = plainNodeOf(line);
  if (node.kind !== 'directory' && origin !== undefined) node.origin = origin;
  return node;
}

function plainNodeOf(line: NodeLine): Node {
  const { kind, stat } = line;
  switch (kind) {
    case 'directory':
      return new Directory(stat);
    case 'file':
      return { kind, stat, content: contentOf(line) };
    case 'symlink':
      return { kind, stat, target: line.payload ?? '' };
    case 'character-device':
    case 'block-device':
      return { kind, stat, rdev: line.rdev };
    default:
      return { kind, stat };
  }
}

function contentOf({ size, payload, content, digest }: NodeLine): FileContent {
  if (digest !== undefined) {
    const external = { kind: 'external', objectId: digest, size } as const;
    return isObjectPath(payload, digest) ? external : { ...external, payload: payload ?? '' };
  }
  if (payload !== undefined) return { kind: 'external-no-verity', payload, size };
  if (content === undefined && size > 0) return { kind: 'sparse', size };
  return { kind: 'inline', bytes: fromLatin1(content ?? '') };
}

function isObjectPath(payload: ByteString | undefined, digest: string): boolean {
  return (
    payload !== undefined && payload[2] === '/' && payload.length === digest.length + 1 && payload.slice(0, 2) + payload.slice(3) === digest
  );
}

function located(error: unknown, line: number): unknown {
  if (!(error instanceof FsTreeError) || error.line !== undefined) return error;
  return new FsTreeError(error.code, error.path, error.reason, { line, cause: error });
}

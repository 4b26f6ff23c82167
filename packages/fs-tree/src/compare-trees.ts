import type { ContentComparison } from './compare-content.ts';
import { compareNodes, type ComparedField, type FieldDifference } from './compare-nodes.ts';
import type { ByteString } from './escape.ts';
import type { Directory, FileContent, Leaf, Node } from './node.ts';
import { countLinks, walkTree, type Visit } from './walk-tree.ts';

/** A path that only one of two trees has, or a field in which they differ there. */
export type TreeDifference = MissingPath | DifferentField;

/** A path with everything that is at it in one tree, and nothing in the other. Paths below it come on their own. */
export interface MissingPath {
  readonly kind: 'only-in-a' | 'only-in-b';
  readonly path: ByteString;
  readonly node: Node;
}

/** A field of a path that both trees have. */
export interface DifferentField extends FieldDifference {
  readonly kind: 'field';
  readonly path: ByteString;
  readonly nodes: { readonly a: Node; readonly b: Node };
}

/** How to compare. */
export interface CompareOptions {
  /** Fields that may differ. Missing paths are told in any case. */
  readonly ignore?: Iterable<ComparedField>;
  /** For callers that can look at contents. By default ids and bytes decide, as `sameContent` says. */
  readonly compareContents?: ContentComparison;
}

/**
 * Every difference of two trees, depth first and in byte order of names: paths that only one has, and fields of paths that both have.
 *
 * A file with several names is compared once for each pair of files that its names lead to. Memory: a few words for each name with links.
 */
export function* compareTrees(a: Directory, b: Directory, options: CompareOptions = {}): Generator<TreeDifference, void> {
  const pairs = new PairComparison(a, b, options);
  const [walkA, walkB] = [walkTree(a), walkTree(b)];
  let [atA, atB] = [nextOf(walkA), nextOf(walkB)];
  while (atA !== undefined || atB !== undefined) {
    const order = atA === undefined ? 1 : atB === undefined ? -1 : comparePaths(atA.path, atB.path);
    if (order === 0) {
      yield* pairs.compare(atA!, atB!.node);
      [atA, atB] = [nextOf(walkA), nextOf(walkB)];
    } else if (order < 0) {
      yield { kind: 'only-in-a', path: atA!.path, node: pairs.seenInA(atA!) };
      atA = nextOf(walkA);
    } else {
      yield { kind: 'only-in-b', path: atB!.path, node: pairs.seenInB(atB!) };
      atB = nextOf(walkB);
    }
  }
}

/** Compares the nodes of one path, and remembers under which names the two trees had them first. */
class PairComparison {
  readonly #ignored: ReadonlySet<ComparedField>;
  readonly #compareContents: ContentComparison | undefined;
  readonly #firstInA: FirstNames;
  readonly #firstInB: FirstNames;
  readonly #compared = new Map<Leaf, Set<Leaf>>();

  constructor(a: Directory, b: Directory, { ignore = [], compareContents }: CompareOptions) {
    this.#ignored = new Set(ignore);
    this.#compareContents = compareContents;
    this.#firstInA = new FirstNames(a);
    this.#firstInB = new FirstNames(b);
  }

  *compare({ path, node: a }: Visit<FileContent>, b: Node): Generator<DifferentField, void> {
    const nodes = { a, b };
    for (const difference of this.#differences(path, a, b)) {
      if (!this.#ignored.has(difference.field)) yield { kind: 'field', path, ...difference, nodes };
    }
  }

  seenInA({ path, node }: Visit<FileContent>): Node {
    this.#firstInA.see(path, node);
    return node;
  }

  seenInB({ path, node }: Visit<FileContent>): Node {
    this.#firstInB.see(path, node);
    return node;
  }

  *#differences(path: ByteString, a: Node, b: Node): Generator<FieldDifference, void> {
    const [linkOfA, linkOfB] = [this.#firstInA.see(path, a), this.#firstInB.see(path, b)];
    if (linkOfA !== linkOfB) yield linkDifference(linkOfA, linkOfB);
    if (!this.#wereCompared(a, b)) yield* compareNodes(a, b, this.#compareContents);
  }

  /** Whether these two have been met at another path. They count as met from now on. */
  #wereCompared(a: Node, b: Node): boolean {
    if (a.kind === 'directory' || b.kind === 'directory' || !(this.#firstInA.isLinked(a) && this.#firstInB.isLinked(b))) return false;
    const others = this.#compared.get(a) ?? new Set();
    if (others.has(b)) return true;
    this.#compared.set(a, others.add(b));
    return false;
  }
}

/** The first name of each file that has several, in the order of a walk. */
class FirstNames {
  readonly #links: ReadonlyMap<Leaf, number>;
  readonly #names = new Map<Leaf, ByteString>();

  constructor(root: Directory) {
    this.#links = countLinks(root);
  }

  isLinked(leaf: Leaf): boolean {
    return (this.#links.get(leaf) ?? 1) > 1;
  }

  /** @returns the name under which a file has been seen before */
  see(path: ByteString, node: Node): ByteString | undefined {
    if (node.kind === 'directory' || !this.isLinked(node)) return undefined;
    const first = this.#names.get(node);
    if (first === undefined) this.#names.set(node, path);
    return first;
  }
}

function linkDifference(a: ByteString | undefined, b: ByteString | undefined): FieldDifference {
  return { field: 'hard-link', ...(a === undefined ? {} : { a }), ...(b === undefined ? {} : { b }) };
}

function nextOf(walk: Generator<Visit<FileContent>, void>): Visit<FileContent> | undefined {
  const next = walk.next();
  return next.done === true ? undefined : next.value;
}

/** The order of a walk: a directory before its entries, and these before the next name, so a slash comes before every other byte. */
function comparePaths(a: ByteString, b: ByteString): number {
  if (a === b) return 0;
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at++) {
    const [byteOfA, byteOfB] = [a.charCodeAt(at), b.charCodeAt(at)];
    if (byteOfA !== byteOfB) return byteOfA === SLASH ? -1 : byteOfB === SLASH ? 1 : byteOfA - byteOfB;
  }
  return a.length - b.length;
}

const SLASH = 0x2f;

import { fromLatin1, toLatin1 } from '@cfskit/binary';
import * as fc from 'fast-check';
import { Directory, type ByteString, type FileContent, type Leaf, type Node, type Stat } from '../src/index.ts';

/** Any bytes, often those that escapes and separators are made of. */
export const byteString: fc.Arbitrary<ByteString> = fc
  .array(fc.oneof(fc.integer({ min: 0, max: 255 }), fc.constantFrom(...fromLatin1('\\nrtx -=/\0\n\r\t.\x7f\x80'))), { maxLength: 20 })
  .map((bytes) => toLatin1(Uint8Array.from(bytes)));

const fileName: fc.Arbitrary<ByteString> = byteString
  .map((bytes) => bytes.replaceAll(/[/\0]/g, '_'))
  .filter((name) => name !== '' && name !== '.' && name !== '..');

const id = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const objectId = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes).toString('hex'));

export const stat: fc.Arbitrary<Stat> = fc.record({
  mode: fc.integer({ min: 0, max: 0o7777 }),
  uid: id,
  gid: id,
  mtime: fc.record({
    seconds: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    nanoseconds: fc.integer({ min: 0, max: 999_999_999 }),
  }),
  xattrs: fc
    .uniqueArray(
      fc.tuple(
        byteString.map((name) => `user.${name.replaceAll('\0', '')}`),
        byteString,
      ),
      { maxLength: 3, selector: ([name]) => name },
    )
    .map((pairs) => new Map(pairs)),
});

/** The two other kinds of external file are one in a dump. */
export const content: fc.Arbitrary<FileContent> = fc.oneof(
  fc.uint8Array({ maxLength: 100 }).map((bytes) => ({ kind: 'inline' as const, bytes })),
  fc.record({ kind: fc.constant('external' as const), objectId, size: fc.nat() }),
  fc.record({ kind: fc.constant('sparse' as const), size: fc.integer({ min: 1, max: 2 ** 53 - 1 }) }),
);

const leaf: fc.Arbitrary<Leaf> = fc.oneof(
  fc.record({ kind: fc.constant('file' as const), stat, content }),
  fc.record({ kind: fc.constant('symlink' as const), stat, target: byteString.map((target) => target.replaceAll('\0', '') || '-') }),
  fc.record({ kind: fc.constantFrom('character-device' as const, 'block-device' as const), stat, rdev: id }),
  fc.record({ kind: fc.constantFrom('fifo' as const, 'socket' as const), stat }),
);

const name = fc.oneof(fileName, fc.constantFrom('a', 'b', 'c'));

interface Shape {
  readonly stat: Stat;
  readonly leaves: readonly (readonly [ByteString, Leaf])[];
  readonly directories: readonly (readonly [ByteString, Shape])[];
}

const shape = fc.letrec<{ tree: Shape }>((tie) => ({
  tree: fc.record({
    stat,
    leaves: fc.array(fc.tuple(name, leaf), { maxLength: 4 }),
    directories: fc.oneof({ maxDepth: 3 }, fc.constant([]), fc.array(fc.tuple(name, tie('tree')), { maxLength: 3 })),
  }),
})).tree;

/** Trees with everything that a dump can say, hard links too. */
export const tree: fc.Arbitrary<Directory> = fc
  .tuple(shape, fc.array(fc.tuple(fc.nat(), fc.nat(), fileName), { maxLength: 4 }))
  .map(([top, links]) => {
    const root = build(top);
    const directories = [root];
    const leaves: Leaf[] = [];
    for (const directory of directories) {
      for (const [, node] of directory.entries())
        if (node.kind === 'directory') directories.push(node);
        else leaves.push(node);
    }
    for (const [target, into, link] of links) {
      const linked = leaves[target % Math.max(leaves.length, 1)];
      const directory = directories[into % directories.length];
      const whiteout = linked?.kind === 'character-device' && linked.rdev === 0;
      if (linked !== undefined && !whiteout && directory?.get(link) === undefined) directory?.insert(link, linked);
    }
    return root;
  });

function build({ stat: own, leaves, directories }: Shape): Directory {
  const directory = new Directory(own);
  for (const [entry, node] of leaves) directory.insert(entry, node);
  for (const [entry, below] of directories) directory.insert(entry, build(below));
  return directory;
}

/** A tree as plain values, to compare with: names that share a leaf have the same number. */
export function plain(root: Directory): unknown {
  const numbers = new Map<Node, number>();
  const show = (node: Node): unknown => {
    if (node.kind === 'directory')
      return { stat: plainStat(node.stat), entries: [...node.entries()].map(([entry, child]) => [entry, show(child)]) };
    const number = numbers.get(node) ?? numbers.size;
    numbers.set(node, number);
    const { origin: _, ...rest } = node;
    return { ...rest, stat: plainStat(node.stat), number };
  };
  return show(root);
}

function plainStat({ xattrs, ...rest }: Stat): unknown {
  return { ...rest, xattrs: [...xattrs].toSorted(([a], [b]) => (a < b ? -1 : 1)) };
}

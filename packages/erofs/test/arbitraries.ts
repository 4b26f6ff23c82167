import { toHex, toLatin1 } from '@cfskit/binary';
import { Directory, isWhiteout, type FileContent, type Leaf, type Stat } from '@cfskit/fs-tree';
import * as fc from 'fast-check';

const byteString = (maxLength: number): fc.Arbitrary<string> => fc.uint8Array({ maxLength }).map(toLatin1);

/** Often the same, and some that sort before, between and after the dots. */
const fileName: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom('a', 'b', 'c', '!', '+', '.-', '...', '\u0001', '\u00ff', 'zz', 'n'.repeat(255)),
  fc.nat({ max: 400 }).map((number) => `file-${number}`),
  byteString(20)
    .map((name) => name.replaceAll(/[/\0]/g, '_'))
    .filter((name) => name !== '' && name !== '.' && name !== '..'),
);

const id = fc.oneof(fc.constantFrom(0, 65535, 65536, 2 ** 32 - 1), fc.nat());
const mtime = fc.record({
  seconds: fc.oneof(fc.constantFrom(0n, 1000n, -1n), fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })),
  nanoseconds: fc.oneof(fc.constantFrom(0, 1), fc.nat({ max: 999_999_999 })),
});

/** Names with every prefix. Attributes that the format takes for its own marks do not come back, and are left out. */
const xattrName = fc
  .tuple(
    fc.constantFrom('user.', 'trusted.', 'security.', 'lustre.', 'system.posix_acl_access', 'other.', 'trusted.overlay.'),
    fc.oneof(fc.constantFrom('a', 'b', 'selinux'), byteString(10)),
  )
  .map(([prefix, suffix]) => prefix + suffix.replaceAll('\0', ''))
  .filter((name) => !/^(user|trusted)\.overlay\.(opaque|whiteouts?)$/.test(name));
const xattrValue = fc.oneof(fc.constantFrom('', '1', 'v'.repeat(3000)), byteString(30));
const xattrs = fc.array(fc.tuple(xattrName, xattrValue), { maxLength: 4 }).map((pairs) => new Map(pairs));

const stat: fc.Arbitrary<Stat> = fc.record({ mode: fc.nat({ max: 0o7777 }), uid: id, gid: id, mtime, xattrs });

const objectId = fc.oneof(fc.constant('ab'.repeat(32)), fc.uint8Array({ minLength: 32, maxLength: 32 }).map(toHex));
const size = fc.oneof(fc.constantFrom(1, 4096, 4097, 2 ** 32, 2 ** 43 + 1, 2 ** 53), fc.integer({ min: 1, max: 2 ** 53 - 1 }));
const content: fc.Arbitrary<FileContent> = fc.oneof(
  fc.record({ kind: fc.constant('inline' as const), bytes: fc.uint8Array({ maxLength: 512 }) }),
  fc.record({ kind: fc.constant('external' as const), objectId, size }),
  fc.record({
    kind: fc.constant('external-no-verity' as const),
    payload: objectId.map((object) => `${object.slice(0, 2)}/${object.slice(2)}`),
    size,
  }),
  fc.record({ kind: fc.constant('sparse' as const), size }),
);

const target = fc.oneof(byteString(60), fc.constant('t'.repeat(1024))).map((text) => text.replaceAll('\0', '') || '-');
const leaf: fc.Arbitrary<Leaf> = fc.oneof(
  fc.record({ kind: fc.constant('file' as const), stat, content }),
  fc.record({ kind: fc.constant('symlink' as const), stat, target }),
  fc.record({ kind: fc.constantFrom('character-device' as const, 'block-device' as const), stat, rdev: id }),
  fc.record({ kind: fc.constantFrom('fifo' as const, 'socket' as const), stat }),
);

interface Shape {
  readonly stat: Stat;
  readonly leaves: readonly (readonly [string, Leaf])[];
  readonly directories: readonly (readonly [string, Shape])[];
}

const shape: fc.Arbitrary<Shape> = fc.letrec<{ tree: Shape }>((tie) => ({
  tree: fc.record({
    stat,
    leaves: fc.array(fc.tuple(fileName, leaf), { maxLength: 8 }),
    directories: fc.oneof({ maxDepth: 3 }, fc.constant([]), fc.array(fc.tuple(fileName, tie('tree')), { maxLength: 3 })),
  }),
})).tree;

/** Trees with everything that all formats can hold, hard links and whiteouts too. Further names are numbers of leaves and directories. */
export const tree: fc.Arbitrary<Directory> = fc
  .tuple(shape, fc.array(fc.tuple(fc.nat(), fc.nat(), fileName), { maxLength: 4 }))
  .map(([top, links]) => {
    const root = build(top);
    const { directories, leaves } = nodesOf(root);
    for (const [from, into, name] of links) {
      const linked = leaves[from % leaves.length];
      const directory = directories[into % directories.length];
      if (linked !== undefined && directory?.get(name) === undefined) directory?.insert(name, linked);
    }
    return root;
  });

function build({ stat: own, leaves, directories }: Shape): Directory {
  const directory = new Directory(own);
  for (const [name, node] of leaves) directory.insert(name, node);
  for (const [name, below] of directories) directory.insert(name, build(below));
  return directory;
}

/** All directories, and the leaves that may have further names. */
function nodesOf(root: Directory): { directories: readonly Directory[]; leaves: readonly Leaf[] } {
  const directories = [root];
  const leaves: Leaf[] = [];
  for (const directory of directories) {
    for (const [, node] of directory.entries()) {
      if (node.kind === 'directory') directories.push(node);
      else if (!isWhiteout(node)) leaves.push(node);
    }
  }
  return { directories, leaves };
}

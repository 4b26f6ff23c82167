import { toLatin1 } from '@cfskit/binary';
import { sameContent, sizeOf, storageOf, type ContentComparison } from './compare-content.ts';
import type { ByteString } from './escape.ts';
import type { FileContent, Leaf, Node } from './node.ts';
import { compareTimes, type Time } from './stat.ts';

/**
 * What two nodes of one path can differ in.
 *
 * - `hard-link`: which earlier name it is a link to
 * - `type`, `size`, `mode`, `uid`, `gid`, `mtime`; `target` of symbolic links, `device` numbers
 * - `storage`: where the tree keeps the content of a file, inline or in an object, with or without a digest to expect
 * - `content`: the bytes of a file
 * - `xattr`: one extended attribute
 */
export type ComparedField = (typeof COMPARED_FIELDS)[number];

/** All of them, in the order in which differences of one path come. */
export const COMPARED_FIELDS = [
  'hard-link',
  'type',
  'size',
  'mode',
  'uid',
  'gid',
  'device',
  'mtime',
  'target',
  'storage',
  'content',
  'xattr',
] as const;

/** A field with its two values as text. Of paths, targets and attributes the texts are byte strings. */
export interface FieldDifference {
  readonly field: ComparedField;
  /** The attribute's name, for `xattr`. */
  readonly name?: ByteString;
  /** Absent where there is none: an attribute, a link, a content that nothing is known of. */
  readonly a?: ByteString;
  readonly b?: ByteString;
}

/** The differences of two nodes but for their links. Where types differ, only what every node has is compared. */
export function* compareNodes(a: Node, b: Node, compareContents: ContentComparison = sameContent): Generator<FieldDifference, void> {
  if (a.kind !== b.kind) yield { field: 'type', a: a.kind, b: b.kind };
  if (a.kind === 'file' && b.kind === 'file') yield* compareField('size', sizeOf(a.content), sizeOf(b.content));
  yield* compareField('mode', formatMode(a.stat.mode), formatMode(b.stat.mode));
  yield* compareField('uid', a.stat.uid, b.stat.uid);
  yield* compareField('gid', a.stat.gid, b.stat.gid);
  if (a.kind !== 'directory' && a.kind === b.kind) yield* compareField('device', deviceOf(a), deviceOf(b));
  if (compareTimes(a.stat.mtime, b.stat.mtime) !== 0) yield* compareField('mtime', formatTime(a.stat.mtime), formatTime(b.stat.mtime));
  if (a.kind === 'symlink' && b.kind === 'symlink') yield* compareField('target', a.target, b.target);
  if (a.kind === 'file' && b.kind === 'file') yield* compareFiles(a.content, b.content, compareContents);
  if (a.stat.xattrs !== b.stat.xattrs) yield* compareXattrs(a, b);
}

function* compareField(
  field: Exclude<ComparedField, 'xattr'>,
  a: string | number | undefined,
  b: string | number | undefined,
): Generator<FieldDifference, void> {
  if (a !== b) yield { field, a: String(a), b: String(b) };
}

function* compareFiles(a: FileContent, b: FileContent, compareContents: ContentComparison): Generator<FieldDifference, void> {
  yield* compareField('storage', storageOf(a), storageOf(b));
  if (compareContents(a, b) === false) yield { field: 'content', ...valuesOf(contentText(a), contentText(b)) };
}

/** Bytes that are in the tree stand for themselves, objects have names. */
function contentText(content: FileContent): ByteString | undefined {
  switch (content.kind) {
    case 'inline':
      return toLatin1(content.bytes);
    case 'external':
      return content.objectId;
    case 'external-no-verity':
      return content.payload;
    default:
      return undefined;
  }
}

function valuesOf(a: ByteString | undefined, b: ByteString | undefined): Pick<FieldDifference, 'a' | 'b'> {
  return { ...(a === undefined ? {} : { a }), ...(b === undefined ? {} : { b }) };
}

function* compareXattrs({ stat: { xattrs: a } }: Node, { stat: { xattrs: b } }: Node): Generator<FieldDifference, void> {
  for (const name of [...new Set([...a.keys(), ...b.keys()])].toSorted()) {
    const [valueOfA, valueOfB] = [a.get(name), b.get(name)];
    if (valueOfA === valueOfB) continue;
    yield { field: 'xattr', name, ...valuesOf(valueOfA, valueOfB) };
  }
}

function deviceOf(leaf: Leaf): number | undefined {
  return leaf.kind === 'character-device' || leaf.kind === 'block-device' ? leaf.rdev : undefined;
}

function formatMode(mode: number): string {
  return mode.toString(8).padStart(4, '0');
}

function formatTime({ seconds, nanoseconds }: Time): string {
  return `${seconds}.${String(nanoseconds).padStart(9, '0')}`;
}

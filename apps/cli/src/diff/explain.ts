import { sameStat, type ByteString, type Directory } from '@cfskit/fs-tree';
import { printableName } from '@cfskit/cli-kit';
import { pathBytes } from '../image-path.ts';
import type { Subject } from '../subject.ts';
import { formatTime } from '../time.ts';
import { firstDifference, writerOf, type ImageField, type Writer } from './image-facts.ts';
import { isEpoch, type DifferenceTally, type Side } from './tally.ts';

/** A reason for differences, as people understand it, with what they can do about it. */
export interface Explanation {
  readonly code: ExplanationCode;
  readonly text: string;
}

/** What explanations are about. */
type ExplanationCode =
  | 'format'
  | 'algorithm'
  | 'transform'
  | 'xattrs'
  | 'mtime'
  | 'hard-links'
  | 'owners'
  | 'modes'
  | 'storage'
  | 'contents'
  | 'paths'
  | 'writer'
  | 'uncompared';

/** Two trees, and what their differences come to. */
export interface Compared {
  readonly a: Subject;
  readonly b: Subject;
  readonly tally: DifferenceTally;
  /** Whether differences of the images in this are of interest. */
  readonly told: (field: ImageField) => boolean;
}

/**
 * Why two trees, and with them the ids of their images, differ: settings first, which can be made the same, then how the trees were copied,
 * then that they are different trees.
 */
export function explain(compared: Compared): Explanation[] {
  const explanations: Explanation[] = [];
  for (const explainer of EXPLAINERS) explanations.push(...explainer(compared));
  return explanations;
}

type Explainer = (compared: Compared) => Iterable<Explanation>;

const EXPLAINERS: readonly Explainer[] = [
  explainFormat,
  explainAlgorithm,
  explainTransform,
  explainXattrs,
  explainTimes,
  explainLinks,
  explainOwners,
  explainModes,
  explainStorage,
  explainContents,
  explainPaths,
  explainWriters,
];

function* explainFormat({ a, b, told }: Compared): Generator<Explanation, void> {
  if (!told('format') || a.image === undefined || b.image === undefined || a.image.format === b.image.format) return;
  const text = `A is an image of format ${a.image.format}, B of format ${b.image.format}: one tree has another id in each. Make both with the same --erofs-version.`;
  yield { code: 'format', text };
}

function* explainAlgorithm({ a, b, tally, told }: Compared): Generator<Explanation, void> {
  if (told('algorithm') && a.image !== undefined && b.image !== undefined && a.image.algorithm !== b.image.algorithm) {
    const text = `The objects of A are named by ${a.image.algorithm}, those of B by ${b.image.algorithm}: the names are in the image, so the ids differ. Make both with the same --hash, or in repositories of the same algorithm.`;
    yield { code: 'algorithm', text };
  }
  if (tally.uncompared > 0) {
    const text = `Compared by size only, because nothing here says what their contents are: ${files(tally.uncompared)}.`;
    yield { code: 'uncompared', text };
  }
}

function* explainTransform({ a, b, tally }: Compared): Generator<Explanation, void> {
  for (const side of ['a', 'b'] as const) {
    const signs = [
      ...(isRootOfUsr({ a, b }[side]) && !isRootOfUsr({ a, b }[other(side)]) ? ['its root has the metadata of /usr'] : []),
      ...(tally.missingInRun[side] > 0 ? ['its /run is empty'] : []),
    ];
    if (signs.length === 0) continue;
    const text = `${name(side)} was made like an image of layers (${signs.join(', ')}), ${name(other(side))} was taken as it is. create-image, compute-id and pull do the first; --no-propagate-usr-to-root and mkcomposefs do the second.`;
    yield { code: 'transform', text };
  }
}

function* explainXattrs({ tally: { xattrs } }: Compared): Generator<Explanation, void> {
  const onlyIn = (side: Side, wanted: (attribute: ByteString) => boolean): ByteString[] =>
    [...xattrs].filter(([attribute, counts]) => counts[side] > 0 && wanted(attribute)).map(([attribute]) => attribute);
  for (const side of ['a', 'b'] as const) {
    const user = onlyIn(side, isUser);
    if (user.length > 0)
      yield {
        code: 'xattrs',
        text: `Only ${name(side)} has ${shown(user)}. --xattrs keep-user-xattrs keeps user.*, allowlist-only leaves it out: use the same for both.`,
      };
    const system = onlyIn(side, (attribute) => !isUser(attribute) && attribute !== CAPABILITY);
    if (system.length > 0)
      yield {
        code: 'xattrs',
        text: `Only ${name(side)} has ${shown(system)}, which no image of layers keeps: it was made by mkcomposefs or with --no-propagate-usr-to-root, on a machine that sets it. mkcomposefs --user-xattrs or --skip-xattrs leaves it out.`,
      };
    const capabilities = onlyIn(side, (attribute) => attribute === CAPABILITY);
    if (capabilities.length > 0)
      yield {
        code: 'xattrs',
        text: `Only ${name(side)} has ${CAPABILITY}: file capabilities get lost when files are copied or unpacked without extended attributes. Use cp -a or tar --xattrs --xattrs-include='*', as root.`,
      };
  }
  const changed = [...xattrs].filter(([, { both }]) => both > 0).map(([attribute]) => attribute);
  if (changed.length > 0) yield { code: 'xattrs', text: `Values of ${shown(changed)} differ.` };
}

function* explainTimes({ tally }: Compared): Generator<Explanation, void> {
  const count = tally.count('mtime');
  if (count === 0) return;
  for (const side of ['a', 'b'] as const) {
    const { common, cut } = tally.times[side];
    if (cut === count) {
      yield {
        code: 'mtime',
        text: `Times of ${name(side)} have no fractions of seconds, and are the same otherwise: images of format 2 and most tars have none. Make both from the same source and in the same format.`,
      };
      return;
    }
    if (count > 1 && isEpoch(common.one)) {
      yield {
        code: 'mtime',
        text: `Where times differ (${paths(count)}), those of ${name(side)} are all 1970-01-01: --use-epoch of mkcomposefs, or a builder with SOURCE_DATE_EPOCH=0. Use it for both or for none.`,
      };
      return;
    }
  }
  for (const side of ['a', 'b'] as const) {
    const { one } = tally.times[side].common;
    if (count < 3 || one === undefined) continue;
    yield {
      code: 'mtime',
      text: `Where times differ (${paths(count)}), those of ${name(side)} are all ${formatTime(one)}: a builder set them (SOURCE_DATE_EPOCH), or everything was written anew in one go.`,
    };
    return;
  }
  yield {
    code: 'mtime',
    text: `Times differ at ${paths(count)}, and they are part of an image: keep them when you copy or unpack (cp -a, rsync -a, tar), or set them all, as mkcomposefs --use-epoch does.`,
  };
}

function* explainLinks({ tally }: Compared): Generator<Explanation, void> {
  const count = tally.count('hard-link');
  if (count === 0) return;
  yield {
    code: 'hard-links',
    text: `Links to other names than on the other side, or to none: ${names(count)}. Hard links break when files are copied without them: use cp -a or rsync -aH. mkcomposefs breaks those of a directory unless --hardlinks is given, create-image keeps them.`,
  };
}

function* explainOwners({ tally }: Compared): Generator<Explanation, void> {
  const count = Math.max(tally.count('uid'), tally.count('gid'));
  if (count === 0) return;
  for (const side of ['a', 'b'] as const) {
    const { one } = tally.owners[side];
    if (count < 2 || one === undefined || one === ROOT) continue;
    yield {
      code: 'owners',
      text: `Where owners differ (${paths(count)}), everything in ${name(side)} belongs to ${one}: it was unpacked or copied by that user. Do it as root, or under fakeroot or unshare --map-auto.`,
    };
    return;
  }
  yield {
    code: 'owners',
    text: `Owners differ at ${paths(count)}: unpack as root and with numeric owners (tar --numeric-owner, rsync --numeric-ids).`,
  };
}

function* explainModes({ tally }: Compared): Generator<Explanation, void> {
  const count = tally.count('mode');
  if (count === 0) return;
  yield { code: 'modes', text: `Permissions differ at ${paths(count)}${modeHint(tally, count)}.` };
}

function modeHint({ lostBits }: DifferenceTally, count: number): string {
  for (const side of ['a', 'b'] as const) {
    const { special, masked } = lostBits[side];
    if (special === count)
      return `, and ${name(side)} only lacks set-uid, set-gid and sticky bits: copies and chown drop them. Use cp -a or tar -p, as root`;
    if (masked === count) return `, and ${name(side)} only lacks bits of group and others, as after a umask. Use cp -a or tar -p`;
  }
  return '';
}

function* explainStorage({ tally: { storage } }: Compared): Generator<Explanation, void> {
  if (storage.inline > 0) {
    const text = `In the image on one side, objects on the other: ${files(storage.inline)}. Tools keep up to 64 bytes in the image; a dumpfile can say otherwise.`;
    yield { code: 'storage', text };
  }
  if (storage.named > 0) {
    const text = `Objects named in another way, by a path of their own or without the digest to expect: ${files(storage.named)}. mkcomposefs takes both from a dumpfile as they are; other programs name objects by their digests.`;
    yield { code: 'storage', text };
  }
}

function* explainContents({ tally }: Compared): Generator<Explanation, void> {
  const count = tally.count('content') + tally.count('target') + tally.count('device') + tally.count('type');
  if (count > 0) yield { code: 'contents', text: `Another type, content or target: ${paths(count)}. These are different trees.` };
}

function* explainPaths({ tally: { missing, missingInRun } }: Compared): Generator<Explanation, void> {
  for (const side of ['a', 'b'] as const) {
    const count = missing[other(side)] - missingInRun[other(side)];
    if (count > 0) yield { code: 'paths', text: `Only in ${name(side)}: ${paths(count)}.` };
  }
}

function* explainWriters({ a, b, tally, told }: Compared): Generator<Explanation, void> {
  const { image: imageOfA } = a;
  const { image: imageOfB } = b;
  if (!told('bytes') || tally.total > 0 || imageOfA === undefined || imageOfB === undefined || imageOfA.id === imageOfB.id) return;
  if (imageOfA.format !== imageOfB.format || imageOfA.algorithm !== imageOfB.algorithm) return;
  const [writerOfA, writerOfB] = [writerOf(a.root, imageOfA), writerOf(b.root, imageOfB)];
  const offset = firstDifference(imageOfA.bytes, imageOfB.bytes);
  const text = `The trees are the same, and the bytes differ from offset ${offset} on. ${writerText('a', writerOfA)} ${writerText('b', writerOfB)} Make both with the same program.`;
  yield { code: 'writer', text };
}

function writerText(side: Side, writer: Writer): string {
  switch (writer) {
    case 'both':
      return `${name(side)} is what composefs-rs and mkcomposefs write.`;
    case 'rs':
      return `${name(side)} is what composefs-rs and this program write.`;
    case 'c':
      return `${name(side)} is what mkcomposefs writes.`;
    default:
      return `${name(side)} is not what a known program writes from this tree.`;
  }
}

const ROOT = '0:0';
const CAPABILITY = 'security.capability';

function isUser(attribute: ByteString): boolean {
  return attribute.startsWith('user.');
}

/**
 * Paths whose metadata differ where one tree was made like an image of layers and the other was not: what to say about them is said about
 * that.
 */
export function transformedPaths(a: Subject, b: Subject): ReadonlySet<ByteString> {
  if (isRootOfUsr(a) !== isRootOfUsr(b)) return new Set(['/', '/run']);
  return new Set(hasEmptyRun(a) === hasEmptyRun(b) ? [] : ['/run']);
}

function hasEmptyRun({ root }: Subject): boolean {
  const run = root.get('run');
  return run?.kind === 'directory' && run.size === 0;
}

/** Whether the root has the metadata of `/usr`, as the transform gives them to it. */
function isRootOfUsr({ root }: { readonly root: Directory }): boolean {
  const usr = root.get('usr');
  return usr?.kind === 'directory' && sameStat(root.stat, usr.stat);
}

function other(side: Side): Side {
  return side === 'a' ? 'b' : 'a';
}

function name(side: Side): string {
  return side.toUpperCase();
}

function paths(count: number): string {
  return count === 1 ? '1 path' : `${count} paths`;
}

function files(count: number): string {
  return count === 1 ? '1 file' : `${count} files`;
}

function names(count: number): string {
  return count === 1 ? '1 name' : `${count} names`;
}

const SHOWN = 5;

function shown(attributes: readonly ByteString[]): string {
  const texts = attributes
    .toSorted()
    .slice(0, SHOWN)
    .map((attribute) => printableName(pathBytes(attribute)));
  return attributes.length > SHOWN ? `${texts.join(', ')} and ${attributes.length - SHOWN} more` : texts.join(', ');
}

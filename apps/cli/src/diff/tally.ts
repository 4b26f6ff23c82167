import {
  compareTimes,
  EPOCH,
  type ByteString,
  type ComparedField,
  type DifferentField,
  type Node,
  type Time,
  type TreeDifference,
} from '@cfskit/fs-tree';

/** One of the two trees. */
export type Side = 'a' | 'b';

/** What is true of all values of a field on one side, so far. */
class Common<T> {
  #value: T | undefined;
  #isOne = true;

  add(value: T, equal: (a: T, b: T) => boolean = Object.is): void {
    if (this.#value === undefined) this.#value = value;
    else if (!equal(this.#value, value)) this.#isOne = false;
  }

  /** The one value that all have. */
  get one(): T | undefined {
    return this.#isOne ? this.#value : undefined;
  }
}

/** Counts of differing times, and what they look like on one side. */
interface TimeTally {
  readonly common: Common<Time>;
  /** Without a fraction where the other side has one, the seconds being equal. */
  cut: number;
}

/** What the differences of two trees have in common. Memory does not grow with them, but for names of attributes. */
export class DifferenceTally {
  readonly fields: Map<ComparedField, number> = new Map();
  /** Attributes by name: how often they are on one side only, or on both. */
  readonly xattrs: Map<ByteString, { a: number; b: number; both: number }> = new Map();
  readonly missing = { a: 0, b: 0 };
  /** Of these, below `/run`. */
  readonly missingInRun = { a: 0, b: 0 };
  readonly times: Readonly<Record<Side, TimeTally>> = { a: { common: new Common(), cut: 0 }, b: { common: new Common(), cut: 0 } };
  readonly owners: Readonly<Record<Side, Common<string>>> = { a: new Common(), b: new Common() };
  /** Modes that lack bits of the other side: only set-uid and the like, or only such as a umask takes away. */
  readonly lostBits: Readonly<Record<Side, { special: number; masked: number }>> = {
    a: { special: 0, masked: 0 },
    b: { special: 0, masked: 0 },
  };
  /** Files that are in one tree and objects of the other; files whose objects are named in other ways. */
  readonly storage = { inline: 0, named: 0 };
  uncompared = 0;
  #total = 0;
  readonly #expected: (path: ByteString) => boolean;

  /** @param expected paths whose metadata differ for a reason that is known: they do not count */
  constructor(expected: (path: ByteString) => boolean) {
    this.#expected = expected;
  }

  add(difference: TreeDifference): void {
    this.#total++;
    if (difference.kind === 'field') this.#addField(difference);
    else this.#addMissing(difference.path, difference.kind === 'only-in-a' ? 'b' : 'a');
  }

  /** Differences in a field, but for those that are expected. */
  count(field: ComparedField): number {
    return this.fields.get(field) ?? 0;
  }

  /** All differences. */
  get total(): number {
    return this.#total;
  }

  #addMissing(path: ByteString, side: Side): void {
    this.missing[side]++;
    if (path.startsWith('/run/')) this.missingInRun[side]++;
  }

  #addField({ path, field, name, nodes, a, b }: DifferentField): void {
    if (this.#expected(path)) return;
    this.fields.set(field, this.count(field) + 1);
    switch (field) {
      case 'mtime':
        this.#addTimes(nodes.a.stat.mtime, nodes.b.stat.mtime);
        break;
      case 'uid':
      case 'gid':
        this.owners.a.add(owner(nodes.a));
        this.owners.b.add(owner(nodes.b));
        break;
      case 'mode':
        addLostBits(this.lostBits.a, nodes.b.stat.mode, nodes.a.stat.mode);
        addLostBits(this.lostBits.b, nodes.a.stat.mode, nodes.b.stat.mode);
        break;
      case 'xattr':
        this.#addXattr(name ?? '', a !== undefined, b !== undefined);
        break;
      case 'storage':
        this.storage[a === 'inline' || b === 'inline' ? 'inline' : 'named']++;
        break;
      default:
    }
  }

  #addTimes(a: Time, b: Time): void {
    this.times.a.common.add(a, sameTime);
    this.times.b.common.add(b, sameTime);
    if (a.seconds !== b.seconds) return;
    if (a.nanoseconds === 0) this.times.a.cut++;
    if (b.nanoseconds === 0) this.times.b.cut++;
  }

  #addXattr(name: ByteString, inA: boolean, inB: boolean): void {
    const counts = this.xattrs.get(name) ?? { a: 0, b: 0, both: 0 };
    counts[inA && inB ? 'both' : inA ? 'a' : 'b']++;
    this.xattrs.set(name, counts);
  }
}

const SPECIAL_BITS = 0o7000;
const MASKED_BITS = 0o077;

function addLostBits(counts: { special: number; masked: number }, before: number, after: number): void {
  const lost = before & ~after;
  if ((after & ~before) !== 0) return;
  if ((lost & ~SPECIAL_BITS) === 0) counts.special++;
  if ((lost & ~MASKED_BITS) === 0) counts.masked++;
}

/** Whether a time is the one that tools write when they are asked for none. */
export function isEpoch(time: Time | undefined): boolean {
  return time !== undefined && compareTimes(time, EPOCH) === 0;
}

function sameTime(a: Time, b: Time): boolean {
  return compareTimes(a, b) === 0;
}

function owner({ stat: { uid, gid } }: Node): string {
  return `${uid}:${gid}`;
}

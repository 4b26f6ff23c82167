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
  readonly fields = new Map<ComparedField, number>();
  /** Differences of attributes by name: on which side they are. */
  readonly xattrs = new Map<ByteString, { a: number; b: number; both: number }>();
  readonly missing = { a: 0, b: 0 };
  /** Of these, below `/run`. */
  readonly missingInRun = { a: 0, b: 0 };
  /** Paths that are neither `/` nor `/run` or below it. */
  elsewhere = 0;
  atRoot = 0;
  readonly times: Readonly<Record<Side, TimeTally>> = { a: { common: new Common(), cut: 0 }, b: { common: new Common(), cut: 0 } };
  readonly owners: Readonly<Record<Side, Common<string>>> = { a: new Common(), b: new Common() };
  /** Differing modes that the other side has, less bits that copying takes away. */
  readonly lostModeBits = { a: 0, b: 0 };
  readonly storage = new Map<string, number>();
  uncompared = 0;

  add(difference: TreeDifference): void {
    if (difference.kind === 'field') this.#addField(difference);
    else this.#addMissing(difference.path, difference.kind === 'only-in-a' ? 'b' : 'a');
  }

  count(field: ComparedField): number {
    return this.fields.get(field) ?? 0;
  }

  get total(): number {
    return this.missing.a + this.missing.b + [...this.fields.values()].reduce((sum, count) => sum + count, 0);
  }

  #addMissing(path: ByteString, side: Side): void {
    this.missing[side]++;
    if (path.startsWith('/run/')) this.missingInRun[side]++;
    else this.elsewhere++;
  }

  #addField({ path, field, name, nodes, a, b }: DifferentField): void {
    this.fields.set(field, this.count(field) + 1);
    if (path === '/') this.atRoot++;
    else if (path !== '/run' && !path.startsWith('/run/')) this.elsewhere++;
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
        this.#addModes(nodes.a.stat.mode, nodes.b.stat.mode);
        break;
      case 'xattr':
        this.#addXattr(name ?? '', a !== undefined, b !== undefined);
        break;
      case 'storage':
        this.storage.set(`${a}|${b}`, (this.storage.get(`${a}|${b}`) ?? 0) + 1);
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

  #addModes(a: number, b: number): void {
    if ((a & ~b) === 0) this.lostModeBits.a++;
    if ((b & ~a) === 0) this.lostModeBits.b++;
  }

  #addXattr(name: ByteString, inA: boolean, inB: boolean): void {
    const counts = this.xattrs.get(name) ?? { a: 0, b: 0, both: 0 };
    counts[inA && inB ? 'both' : inA ? 'a' : 'b']++;
    this.xattrs.set(name, counts);
  }
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

import { compareTrees, sameContent, type ComparedField, type TreeDifference } from '@cfskit/fs-tree';
import type { Subject } from '../subject.ts';
import { explain, transformedPaths, type Explanation } from './explain.ts';
import { compareBytes, compareSettings, type ImageDifference, type ImageField } from './image-facts.ts';
import { DifferenceTally } from './tally.ts';

/** A field that can differ, of trees or of images. */
export type Field = ComparedField | ImageField;

/** A difference of two trees, or of the images that they were read from. */
export type Difference = TreeDifference | ({ readonly kind: 'image' } & ImageDifference);

/** Compares two trees once: differences as they are found, and what they come to. */
export class Comparison {
  readonly #a: Subject;
  readonly #b: Subject;
  readonly #ignored: ReadonlySet<Field>;
  readonly #tally: DifferenceTally;
  #found = 0;

  constructor(a: Subject, b: Subject, ignored: Iterable<Field>) {
    this.#a = a;
    this.#b = b;
    this.#ignored = new Set(ignored);
    const transformed = transformedPaths(a, b);
    this.#tally = new DifferenceTally((path) => transformed.has(path));
  }

  /** Every difference, settings of the images first. To be gone through once. */
  *differences(): Generator<Difference, void> {
    yield* this.#images(compareSettings(this.#a, this.#b));
    for (const difference of this.#trees()) {
      this.#found++;
      this.#tally.add(difference);
      yield difference;
    }
    if (this.#tally.total === 0) yield* this.#images(compareBytes(this.#a, this.#b));
  }

  /** How many there were. */
  get found(): number {
    return this.#found;
  }

  /** Why they differ; for when all differences have been gone through. */
  explanations(): Explanation[] {
    return explain({ a: this.#a, b: this.#b, tally: this.#tally, told: (field) => !this.#ignored.has(field) });
  }

  *#images(differences: Iterable<ImageDifference>): Generator<Difference, void> {
    for (const difference of differences) {
      if (this.#ignored.has(difference.field)) continue;
      this.#found++;
      yield { kind: 'image', ...difference };
    }
  }

  #trees(): Generator<TreeDifference, void> {
    const tally = this.#tally;
    const ignore = [...this.#ignored].filter(isTreeField);
    return compareTrees(this.#a.root, this.#b.root, {
      ignore,
      compareContents(a, b) {
        const same = sameContent(a, b);
        if (same === undefined) tally.uncompared++;
        return same;
      },
    });
  }
}

function isTreeField(field: Field): field is ComparedField {
  return field !== 'format' && field !== 'algorithm' && field !== 'bytes';
}

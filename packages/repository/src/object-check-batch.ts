import type { Algorithm } from '@cfskit/fs-verity';
import type { FsckFinding } from './finding.ts';
import type { ObjectChecker } from './object-check.ts';

/** What a thread that checks objects is told when it starts. */
export interface CheckWorkerData {
  readonly path: string;
  readonly algorithm: Algorithm;
  readonly secure: boolean;
  /** Not 0 when nobody waits any more. */
  readonly stop: Int32Array<SharedArrayBuffer>;
}

/** Some names of one directory below `objects/`. */
export interface ObjectBatch {
  readonly directory: string;
  readonly names: readonly string[];
}

/**
 * Check a batch. Stops between files and after each megabyte of one.
 *
 * @returns everything that is wrong with it
 */
export function* checkBatch(checker: ObjectChecker, { directory, names }: ObjectBatch): Generator<void, readonly FsckFinding[]> {
  const findings: FsckFinding[] = [];
  for (const name of names) {
    const finding = yield* checker.check(directory, name);
    if (finding !== undefined) findings.push(finding);
    yield;
  }
  return findings;
}

/** Run to the end in one go, unless told to leave it. */
export function finish<T>(steps: Generator<void, T>, isStopped: () => boolean): T | undefined {
  for (;;) {
    if (isStopped()) break;
    const { done, value } = steps.next();
    if (done === true) return value;
  }
  steps.return(undefined as never); // closes the file
  return undefined;
}

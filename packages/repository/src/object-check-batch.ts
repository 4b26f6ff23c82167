import type { Algorithm } from '@cfskit/fs-verity';
import type { FsckFinding } from './finding.ts';
import type { ObjectChecker } from './object-check.ts';

/** What a thread that checks objects is told when it starts. */
export interface CheckWorkerData {
  readonly path: string;
  readonly algorithm: Algorithm;
  readonly secure: boolean;
}

/** Some names of one directory below `objects/`. */
export interface ObjectBatch {
  readonly directory: string;
  readonly names: readonly string[];
}

/** Everything that is wrong with a batch. */
export function checkBatch(checker: ObjectChecker, { directory, names }: ObjectBatch): readonly FsckFinding[] {
  return names.flatMap((name) => checker.check(directory, name) ?? []);
}

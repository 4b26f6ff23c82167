import { enableVerityOrCopy, enableVerityRetrying, measureVerity } from '@cfskit/linux';
import type { EnabledFile, EnableOutcome, VerityAlgorithm, VerityMeasurement } from '@cfskit/linux';

/** What the repository asks of the kernel about fs-verity. Given in the options, something else can stand in for it. */
export interface VerityCalls {
  /** Enable verity on a file that is open for reading only; waits a little for writers. */
  enable(fd: number, algorithm: VerityAlgorithm): EnableOutcome;
  /** The same, or on a copy in `directory` if writers stay. */
  enableOrCopy(fd: number, algorithm: VerityAlgorithm, directory: string): EnabledFile;
  /** The digest that the kernel has for a file; undefined without verity, `'unsupported'` if the file system has none. */
  measure(fd: number): VerityMeasurement | 'unsupported' | undefined;
}

/** The calls of this machine's kernel. */
export const kernelVerity: VerityCalls = { enable: enableVerityRetrying, enableOrCopy: enableVerityOrCopy, measure: measureVerity };

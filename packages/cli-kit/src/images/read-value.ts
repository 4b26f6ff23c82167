import { UsageError } from '../errors.ts';

const GRAMMAR_ERRORS: ReadonlySet<string> = new Set(['OciRefError', 'OciSpecError', 'FsVerityError', 'RepositoryError']);

/**
 * Read a value of the command line. What its grammar refuses is wrong usage.
 *
 * @param what how the help calls it, such as `DIFF_ID` or `--platform`
 * @throws {UsageError}
 */
export function readValue<T>(what: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof Error) || !GRAMMAR_ERRORS.has(error.name)) throw error;
    throw new UsageError(`${what}: ${error.message}`, { cause: error });
  }
}

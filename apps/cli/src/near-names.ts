import { CliError, nearest } from '@cfskit/cli-kit';

/** An error for a name that is not there, with the names it may have been meant for. */
export function notFound(message: string, name: string, names: Iterable<string>): CliError {
  const candidates = nearest(name, names, 3, Math.max(2, Math.floor(name.length / 3)));
  return new CliError('NOT_FOUND', message, { detail: { name, candidates } });
}

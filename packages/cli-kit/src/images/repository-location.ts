import { join, resolve } from 'node:path';
import { UsageError } from '../errors.ts';
import type { GlobalValues } from '../global-options.ts';
import type { World } from '../world.ts';

/** What decides which repository is meant. */
export type LocationValues = Pick<GlobalValues, 'repo' | 'user' | 'system' | 'no-repo'>;

/**
 * Path of the repository: `--repo`, `--user`, `--system`, else `CFSKIT_REPO`, else that of the system for root and that of the
 * user for everybody else.
 *
 * @throws {UsageError} with `--no-repo`, and where the user's repository is wanted and `HOME` is not set
 */
export function repositoryLocation(values: LocationValues, world: Pick<World, 'env' | 'cwd' | 'userId'>): string {
  if (values['no-repo']) throw new UsageError('--no-repo: this command needs a repository');
  if (values.repo !== undefined) return resolve(world.cwd, named('--repo', values.repo));
  if (values.user) return userRepository(world.env);
  if (values.system) return SYSTEM_REPOSITORY;
  const fromEnvironment = world.env['CFSKIT_REPO'];
  if (fromEnvironment !== undefined && fromEnvironment !== '') return resolve(world.cwd, fromEnvironment);
  return world.userId === 0 ? SYSTEM_REPOSITORY : userRepository(world.env);
}

/** Whether a repository was asked for, rather than looked for in the usual place. */
export function isRepositoryNamed({ repo, user, system }: LocationValues, { env }: Pick<World, 'env'>): boolean {
  return repo !== undefined || user || system || (env['CFSKIT_REPO'] ?? '') !== '';
}

const SYSTEM_REPOSITORY = '/sysroot/composefs';

function userRepository(env: World['env']): string {
  const home = env['HOME'];
  if (home === undefined || home === '') throw new UsageError('$HOME must be set when in user mode; name a repository with --repo');
  return join(home, '.var/lib/composefs');
}

function named(option: string, path: string): string {
  if (path === '') throw new UsageError(`${option}: the path is empty`);
  return path;
}

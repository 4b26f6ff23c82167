import type { CommandContext, GlobalValues } from '@cfskit/cli-kit';
import { openRepository, type LockOptions, type OpenOptions, type Repository } from '@cfskit/repository';
import { repositoryLocation } from './repository-location.ts';

/**
 * Open the repository that the options mean, use it, and close it again whatever happens.
 *
 * @throws {UsageError} {RepositoryError} and what `use` throws
 */
export async function withRepository<T>(
  values: GlobalValues,
  context: CommandContext,
  use: (repository: Repository) => Promise<T>,
): Promise<T> {
  const repository = await openRepository(repositoryLocation(values, context.world), openOptions(values, context));
  try {
    return await use(repository);
  } finally {
    await repository.close();
  }
}

/** As {@link withRepository}, for commands that write: a repository that cannot be written is refused before anything else is looked at. */
export function withWritableRepository<T>(
  values: GlobalValues,
  context: CommandContext,
  use: (repository: Repository) => Promise<T>,
): Promise<T> {
  return withRepository(values, context, (repository) => {
    repository.ensureWritable();
    return use(repository);
  });
}

/** How the options want a repository opened. */
export function openOptions(values: GlobalValues, context: CommandContext): OpenOptions {
  return {
    ...lockOptions(values, context),
    algorithm: values.hash,
    requireVerity: values['require-verity'],
    insecure: values.insecure,
    upgrade: !values['no-upgrade'],
    onWarning: (text) => context.log.warn(text),
  };
}

/** How long to wait for the lock, and what to say meanwhile. */
export function lockOptions(values: GlobalValues, context: CommandContext): LockOptions {
  const timeout = values['lock-timeout'];
  return {
    lockTimeoutMs: timeout === undefined ? undefined : timeout * 1000,
    onWait: ({ waitedMs }) =>
      context.log.warn(`waiting for the repository, which somebody else is using (${Math.round(waitedMs / 1000)} s)`),
    signal: context.signal,
  };
}

import type { Algorithm } from '@cfskit/fs-verity';
import { openRepository, parseMetadata, RepositoryError, type LockOptions, type OpenOptions, type Repository } from '@cfskit/repository';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isRepositoryNamed, repositoryLocation } from './repository-location.ts';
import type { CommandContext } from '../context.ts';
import { CliError, UsageError } from '../errors.ts';
import type { GlobalValues } from '../global-options.ts';

/**
 * Open the repository that the options mean, use it, and close it again whatever happens.
 *
 * @throws {UsageError} {CliError} NOT_FOUND if there is no such directory {RepositoryError} and what `use` throws
 */
export async function withRepository<T>(
  values: GlobalValues,
  context: CommandContext,
  use: (repository: Repository) => Promise<T>,
  options: Pick<OpenOptions, 'imageReader'> = {},
): Promise<T> {
  const repository = await openLocated(values, context, options);
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

/**
 * As {@link withRepository}, for commands that can do without one: it is undefined with `--no-repo`, and where none was named and there is none
 * in the usual place.
 */
export async function withRepositoryIfAny<T>(
  values: GlobalValues,
  context: CommandContext,
  use: (repository: Repository | undefined) => Promise<T>,
): Promise<T> {
  if (values['no-repo']) return use(undefined);
  const repository = await ifAny(values, context, () => openLocated(values, context));
  try {
    return await use(repository);
  } finally {
    await repository?.close();
  }
}

async function openLocated(
  values: GlobalValues,
  context: CommandContext,
  options: Pick<OpenOptions, 'imageReader'> = {},
): Promise<Repository> {
  const location = repositoryLocation(values, context.world);
  try {
    return await openRepository(location, { ...openOptions(values, context), ...options });
  } catch (cause) {
    if (!hasCode(cause, 'ENOENT')) throw cause;
    throw new CliError('NOT_FOUND', `there is no repository at ${location}; "cfskit init" makes one`, { cause });
  }
}

/** The algorithm of the repository that the options mean, if there is one. It is not opened, so nobody is waited for. */
export async function repositoryAlgorithm(values: GlobalValues, context: CommandContext): Promise<Algorithm | undefined> {
  if (values['no-repo']) return undefined;
  const metadata = await ifAny(values, context, async () =>
    parseMetadata(await readFile(join(repositoryLocation(values, context.world), 'meta.json'))),
  );
  return metadata?.algorithm;
}

/** What `open` gives; nothing if there is no repository and none was asked for. */
async function ifAny<T>(values: GlobalValues, { world }: CommandContext, open: () => Promise<T>): Promise<T | undefined> {
  if (isRepositoryNamed(values, world)) return open();
  try {
    return await open();
  } catch (error) {
    if (error instanceof UsageError || isMissing(error)) return undefined;
    throw error;
  }
}

function isMissing(error: unknown): boolean {
  if (error instanceof CliError) return error.code === 'NOT_FOUND';
  if (error instanceof RepositoryError) return error.code === 'METADATA_MISSING';
  return hasCode(error, 'ENOENT', 'ENOTDIR', 'EACCES');
}

function hasCode(error: unknown, ...codes: readonly unknown[]): boolean {
  return error instanceof Error && 'code' in error && codes.includes(error.code);
}

/** How the options want a repository opened. */
export function openOptions(values: GlobalValues, context: CommandContext): OpenOptions {
  return {
    ...lockOptions(values, context),
    algorithm: values.hash,
    requireVerity: values['require-verity'],
    insecure: values.insecure,
    upgrade: values['no-upgrade'] ? false : 'when-written',
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

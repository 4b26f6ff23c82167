import { mkdir, rmdir } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { CliError, defineCommand, printable, UsageError, type Command, type CommandContext, type GlobalValues } from '@cfskit/cli-kit';
import { lockOptions, openOptions, repositoryLocation } from '@cfskit/cli-kit/images';
import { formatAlgorithmName, parseAlgorithmName, type Algorithm } from '@cfskit/fs-verity';
import {
  ensureRepository,
  formatsToMake,
  initRepository,
  RepositoryError,
  resetRepository,
  type ErofsFormat,
  type OpenedAs,
  type Repository,
} from '@cfskit/repository';

const STATUS: Readonly<Record<OpenedAs, string>> = { created: 'Created', opened: 'Opened', upgraded: 'Upgraded', inferred: 'Opened' };

export const init: Command = defineCommand({
  summary: 'Make a repository, or check that it is there with this configuration',
  details:
    'The directory and its parents are made as needed. Unless --insecure is given, fs-verity is enabled on meta.json and from then on every object must have it.',
  arguments: { path: { name: 'PATH', description: 'Directory of the repository, in place of --repo', optional: true } },
  options: {
    algorithm: {
      type: 'string',
      value: 'NAME',
      choices: ['fsverity-sha512-12', 'fsverity-sha256-12'],
      description: 'Digest that names the objects: fsverity-sha512-12 or fsverity-sha256-12',
      defaultText: 'that of --hash, else fsverity-sha512-12',
    },
    ensure: { type: 'boolean', description: 'Take a repository that is there as it is, whatever its image formats' },
    'reset-metadata': {
      type: 'boolean',
      description: 'First remove meta.json and all streams and images; the objects stay',
      conflicts: ['ensure'],
    },
  },
  examples: [
    ['init --insecure ./repo', 'a repository on a file system without fs-verity'],
    ['--repo /srv/composefs init --algorithm fsverity-sha256-12 --ensure', 'make it unless it is there'],
  ],
  async run({ values, args }, context) {
    const path = locate(args.path, values, context);
    const algorithm = chooseAlgorithm(values.algorithm, values.hash);
    if (values['reset-metadata']) await reset(path, values, context);
    const repository = await make(path, algorithm, values, context);
    await repository.close();
    await context.print({ json: () => toJson(repository), text: () => toText(repository, args.path ?? path, values.ensure) });
  },
});

function locate(argument: string | undefined, values: GlobalValues, { world }: CommandContext): string {
  if (argument === undefined || values['no-repo']) return repositoryLocation(values, world);
  const given = (['repo', 'user', 'system'] as const).find((name) => values[name] !== undefined && values[name] !== false);
  if (given !== undefined) throw new UsageError(`PATH and --${given} exclude each other`);
  if (argument === '') throw new UsageError('PATH: the path is empty');
  return resolve(world.cwd, argument);
}

function chooseAlgorithm(name: string | undefined, hash: Algorithm | undefined): Algorithm | undefined {
  const algorithm = name === undefined ? undefined : parseAlgorithmName(name);
  if (algorithm !== undefined && hash !== undefined && algorithm !== hash) {
    throw new UsageError(`--algorithm ${name} and --hash ${hash} exclude each other`);
  }
  return algorithm ?? hash;
}

/** Nothing to reset where there is nothing. */
async function reset(path: string, values: GlobalValues, context: CommandContext): Promise<void> {
  try {
    await resetRepository(path, lockOptions(values, context));
  } catch (error) {
    if (!(error instanceof Error) || !('code' in error) || error.code !== 'ENOENT') throw error;
  }
}

/** Directories made on the way are removed again when it fails. */
async function make(
  path: string,
  algorithm: Algorithm | undefined,
  values: GlobalValues & { readonly ensure: boolean },
  context: CommandContext,
): Promise<Repository> {
  const format = values['erofs-version'];
  const options = {
    ...openOptions(values, context),
    algorithm,
    erofsFormats: format === undefined ? undefined : { default: Number(format) as ErofsFormat, extra: [] },
  };
  const parent = dirname(path);
  const firstMade = await mkdir(parent, { recursive: true });
  try {
    return await (values.ensure ? ensureRepository : initRepository)(path, options);
  } catch (error) {
    if (firstMade !== undefined) await removeEmpty(parent, firstMade);
    if (!(error instanceof RepositoryError) || error.code !== 'VERITY_UNSUPPORTED') throw error;
    throw new CliError('UNSUPPORTED', `${path}: the file system has no fs-verity; --insecure makes a repository that does without`, {
      cause: error,
    });
  }
}

async function removeEmpty(directory: string, last: string): Promise<void> {
  try {
    await rmdir(directory);
  } catch {
    return; // somebody else uses it by now
  }
  if (directory !== last) await removeEmpty(dirname(directory), last);
}

function toJson(repository: Repository): unknown {
  return {
    path: repository.path,
    status: STATUS[repository.openedAs],
    algorithm: formatAlgorithmName(repository.algorithm),
    insecure: !repository.secure,
    erofs_formats: formatsToMake(repository.metadata),
  };
}

function toText(repository: Repository, path: string, ensure: boolean): string[] {
  const shown = printable(path);
  switch (repository.openedAs) {
    case 'created':
      return [
        `Initialized composefs repository at ${shown}`,
        `  algorithm: ${formatAlgorithmName(repository.algorithm)}`,
        `  verity:    ${repository.secure ? 'required' : 'not required (insecure)'}`,
      ];
    case 'upgraded':
      return [`Upgraded legacy repository at ${shown}`];
    default:
      return [`Repository already initialized at ${shown}${ensure ? ' (existing configuration preserved)' : ''}`];
  }
}

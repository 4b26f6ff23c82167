import { CliError, printable, UsageError, type CommandContext, type OptionValues } from '@cfskit/cli-kit';
import { capabilities, LinuxError } from '@cfskit/linux';
import type { MountedImage, MountImageOptions, MountStep, Repository } from '@cfskit/repository';
import { resolve } from 'node:path';

/** Options of the commands that mount a stored image. */
export const mountOptions = {
  upperdir: {
    type: 'string',
    value: 'DIR',
    description: 'Directory whose content lies over the image; with --read-write changes go there',
  },
  workdir: { type: 'string', value: 'DIR', description: 'Empty directory on the file system of --upperdir, for the kernel' },
  'read-write': { type: 'boolean', description: 'Let the mount be written to; needs --upperdir' },
  'dry-run': { type: 'boolean', description: 'Print the system calls of the mount, and do nothing' },
} as const;

/** Values of {@link mountOptions}. */
export type MountValues = OptionValues<typeof mountOptions>;

/**
 * Check the options before anything is opened.
 *
 * @throws {UsageError}
 */
export function checkMountValues(values: MountValues): void {
  if ((values.upperdir === undefined) !== (values.workdir === undefined)) throw new UsageError('--upperdir and --workdir go together');
  if (values['read-write'] && values.upperdir === undefined) throw new UsageError('--read-write needs --upperdir and --workdir');
}

/**
 * Mount a stored image and print what was done.
 *
 * @param name of the image, as the repository knows it
 * @throws {CliError} UNSUPPORTED for who may not mount; {RepositoryError} {LinuxError}. Node's own errors.
 */
export async function mountStored(
  repository: Repository,
  name: string,
  directory: string,
  values: MountValues,
  context: CommandContext,
): Promise<void> {
  const { cwd } = context.world;
  const dryRun = values['dry-run'];
  if (!dryRun) checkMountPermission();
  const mounted = withPermissionHint(() => repository.mountImage(name, resolve(cwd, directory), mountImageOptions(values, cwd)));
  for (const message of mounted.messages) context.log.warn(`kernel: ${message}`);
  if (!mounted.verity) context.log.info('the repository does not enforce fs-verity: nobody checks the content of files');
  await context.print({ json: () => mountedJson(mounted, dryRun), text: () => (dryRun ? mounted.steps.map(stepText) : []) });
}

/** @throws {CliError} UNSUPPORTED, with what can be done instead */
export function checkMountPermission(): void {
  const { means, by } = capabilities().mounts;
  if (means !== 'native') throw noPermission(by);
}

/** Run a system call that needs privileges. */
export function withPermissionHint<T>(act: () => T): T {
  try {
    return act();
  } catch (error) {
    if (error instanceof LinuxError && error.code === 'EPERM') throw noPermission('not permitted', error);
    throw error;
  }
}

function noPermission(why: string, cause?: unknown): CliError {
  const message = `cannot mount here (${why}): it needs root, or CAP_SYS_ADMIN; without it, "cfskit ls", "cfskit cat" and "cfskit extract" read an image`;
  return new CliError('UNSUPPORTED', message, cause === undefined ? undefined : { cause });
}

function mountImageOptions(values: MountValues, cwd: string): MountImageOptions {
  const { upperdir, workdir } = values;
  return {
    upper:
      upperdir === undefined || workdir === undefined ? undefined : { upperdir: resolve(cwd, upperdir), workdir: resolve(cwd, workdir) },
    readWrite: values['read-write'],
    dryRun: values['dry-run'],
  };
}

function mountedJson({ id, mountpoint, verity, steps }: MountedImage, dryRun: boolean): unknown {
  return { mountpoint, image_id: id, verity, kind: 'kernel', ...(dryRun && { steps: steps.map(stepText) }) };
}

function stepText({ call, argument }: MountStep): string {
  return printable(argument === '' ? call : `${call} ${argument}`);
}

import { resolve } from 'node:path';
import { defineCommand, printable, UsageError, type Command, type OptionValues } from '@cfskit/cli-kit';
import { isClean, verify as compare, type VerifyReport, type VerifySubject } from '@cfskit/render';

const subjectOptions = {
  squashfs: {
    type: 'string',
    value: 'FILE',
    description: 'Squashfs image to compare; it is read without mounting',
    conflicts: ['tar', 'dir'],
  },
  tar: { type: 'string', value: 'FILE', description: 'Tar to compare', conflicts: ['dir'] },
  dir: { type: 'string', value: 'DIR', description: 'Directory to compare' },
} as const;

export const verify: Command = defineCommand({
  summary: 'Compare a squashfs image, tar or directory with a reference directory',
  details:
    'Prints a line for each path that only what is compared has (+), that only the reference has (-), and for each difference of a path that both have (~). Compared are types, permissions, owners, targets, device numbers, sizes and contents. Neither side is mounted, and no symbolic link is followed.',
  options: {
    ...subjectOptions,
    reference: { type: 'string', value: 'DIR', description: 'Directory to compare with; must be given' },
    'ignore-ownership': { type: 'boolean', description: 'Owners and groups may differ' },
    compare: {
      type: 'string',
      value: 'FIELD',
      multiple: true,
      choices: ['mtime', 'xattrs', 'links'],
      description: 'Compare mtime, xattrs or (hard) links too; may be repeated',
    },
  },
  examples: [
    ['verify --squashfs app.squashfs --reference bundle/rootfs', 'with what umoci has unpacked'],
    ['verify --dir root --reference other --ignore-ownership --compare mtime --compare links', 'two directories, whoever owns them'],
  ],
  exitCodes: [
    { code: '0', meaning: 'no differences' },
    { code: '1', meaning: 'there are differences, or the comparison failed' },
  ],
  async run({ values }, context) {
    const { world, signal } = context;
    const subject = subjectOf(values, world.cwd);
    const { reference, compare: extras } = values;
    if (reference === undefined || reference === '') throw new UsageError('missing --reference DIR');
    const ignoreOwnership = values['ignore-ownership'];
    const report = await compare(subject, resolve(world.cwd, reference), { ignoreOwnership, extras, signal });
    await context.print({ json: () => toJson(report), text: () => toText(report) });
    return isClean(report) ? 0 : 1;
  },
});

/** @throws {UsageError} */
function subjectOf(values: OptionValues<typeof subjectOptions>, cwd: string): VerifySubject {
  for (const kind of ['squashfs', 'tar', 'dir'] as const) {
    const path = values[kind];
    if (path === '') throw new UsageError(`--${kind}: the path is empty`);
    if (path !== undefined) return { kind, path: resolve(cwd, path) };
  }
  throw new UsageError('missing --squashfs FILE, --tar FILE or --dir DIR');
}

function* toText({ onlyInGenerated, onlyInReference, differences }: VerifyReport): Generator<string, void> {
  for (const path of onlyInGenerated) yield `+ ${printable(path)}`;
  for (const path of onlyInReference) yield `- ${printable(path)}`;
  for (const { path, detail } of differences) yield `~ ${printable(path)}: ${printable(detail)}`;
}

function toJson({ onlyInGenerated, onlyInReference, differences }: VerifyReport): unknown {
  return { only_in_generated: onlyInGenerated, only_in_reference: onlyInReference, differences };
}

import { realpath } from 'node:fs/promises';
import { resolve } from 'node:path';
import { CliError, defineCommand, type Command } from '@cfskit/cli-kit';
import { umount as detach } from '@cfskit/linux';
import { withPermissionHint } from '../mount-stored.ts';
import { readMountTable, type MountEntry } from '../mount-table.ts';

export const umount: Command = defineCommand({
  summary: 'Take mounted images away',
  details: 'Only mounts of composefs images, unless --force is given; nothing is taken away if one of the directories has none.',
  arguments: { directories: { name: 'DIR', description: 'Directory that an image is mounted on', variadic: true } },
  options: {
    lazy: { type: 'boolean', description: 'Take it away at once, and let it end when nobody uses it any more' },
    force: { type: 'boolean', description: 'Take away whatever is mounted there' },
  },
  examples: [
    ['umount /mnt', 'fails while files of it are open'],
    ['umount --lazy /mnt /srv/image', 'two at once, whoever uses them'],
  ],
  async run({ values, args }, context) {
    const table = await readMountTable();
    const paths = await Promise.all(args.directories.map((directory) => realpath(resolve(context.world.cwd, directory))));
    for (const path of paths) checkMount(path, table, values.force);
    for (const path of paths) withPermissionHint(() => detach(path, { detach: values.lazy }));
    await context.print({ json: () => ({ unmounted: paths }), text: () => [] });
  },
});

/** @throws {CliError} NOT_FOUND if nothing is mounted there, UNSUPPORTED if it is something else */
function checkMount(path: string, table: readonly MountEntry[], force: boolean): void {
  const entry = table.findLast(({ mountpoint }) => mountpoint === path);
  if (entry === undefined) throw new CliError('NOT_FOUND', `nothing is mounted on ${path}`);
  if (force || (entry.type === 'overlay' && /^composefs(:|$)/.test(entry.source))) return;
  throw new CliError(
    'UNSUPPORTED',
    `what is mounted on ${path} is no composefs image but ${entry.type} of ${entry.source}; --force takes it away`,
  );
}

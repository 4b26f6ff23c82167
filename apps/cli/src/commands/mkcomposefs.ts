import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { defineCommand, UsageError, type Command, type CommandContext, type OptionValues } from '@cfskit/cli-kit';
import { chooseVersion, imageId, writeImage } from '@cfskit/erofs';
import { EPOCH, filterXattrs, readDumpfile, removeDevices, setTimes, type Directory } from '@cfskit/fs-tree';
import { nullReporter } from '@cfskit/progress';
import { objectStoreModule } from '@cfskit/repository';
import { inputData } from '../input-data.ts';
import { readDirectory } from '../read-directory.ts';

const options = {
  'from-file': { type: 'boolean', description: 'SOURCE is a dumpfile; - is standard input' },
  'print-digest': { type: 'boolean', description: 'Print the fs-verity digest of the image' },
  'print-digest-only': { type: 'boolean', description: 'Print the digest, and write no image' },
  'use-epoch': { type: 'boolean', description: 'Set all times to 1970' },
  'skip-devices': { type: 'boolean', description: 'Leave out device nodes' },
  'skip-xattrs': { type: 'boolean', description: 'Leave out extended attributes' },
  'user-xattrs': { type: 'boolean', description: 'Leave out extended attributes but user.*', conflicts: ['skip-xattrs'] },
  'min-version': { type: 'integer', value: 'N', min: 0, max: 1, description: 'Lowest format of the image', defaultText: '0' },
  'max-version': {
    type: 'integer',
    value: 'N',
    min: 0,
    max: 1,
    description: 'Highest format: it is taken when the tree has whiteouts',
    defaultText: '1, or 0 with --min-version',
  },
  'digest-store': { type: 'string', value: 'DIR', description: 'Copy files of more than 64 bytes there, named by their digests' },
  threads: { type: 'integer', value: 'N', min: 1, max: 1024, description: 'Threads that read files', defaultText: 'the number of CPUs' },
  hardlinks: { type: 'boolean', description: 'Keep hard links of a directory; without it, each name is a file of its own' },
} as const;

type Values = OptionValues<typeof options>;

export const mkcomposefs: Command = defineCommand({
  summary: 'Make a composefs image of a directory or a dumpfile, as the program of this name does',
  details:
    'Digests are sha256. With --from-file the options about times, devices, attributes, threads and the digest store have no effect.',
  arguments: {
    source: { name: 'SOURCE', description: 'The directory, or the dumpfile with --from-file' },
    image: { name: 'IMAGE', description: 'The image; - is standard output', optional: true },
  },
  options,
  examples: [
    ['mkcomposefs --digest-store=objects ./root image.cfs', 'an image, and the files that it names'],
    ['mkcomposefs --from-file --print-digest-only image.dump', 'the id of what a dumpfile describes'],
  ],
  json: false,
  async run({ values, args: { source, image } }, context) {
    checkArguments(source, image, values);
    const write = image === undefined ? undefined : imageTarget(image, context);
    const root = values['from-file'] ? await readDump(source, context) : await readSource(source, values, context);
    const version = chooseVersion(root, { min: values['min-version'], max: values['max-version'] });
    const bytes = writeImage(root, { version, profile: 'c' });
    await write?.(bytes);
    if (values['print-digest'] || values['print-digest-only']) await context.printRaw([`${imageId(bytes, 'sha256')}\n`]);
  },
});

function checkArguments(source: string, image: string | undefined, values: Values): void {
  if (source === '' || image === '') throw new UsageError('a path is empty');
  if (image === undefined && !values['print-digest-only']) throw new UsageError('missing IMAGE');
  if (image !== undefined && values['print-digest-only']) throw new UsageError('--print-digest-only writes no IMAGE');
}

/** Where others have opened a file for this program (`/proc/self/fd/3`), there is no place beside it. */
const DESCRIPTOR = /^\/(proc\/self|dev)\/fd\/\d+$/;

/** Refuses a terminal at once, before anything is read. */
function imageTarget(image: string, context: CommandContext): (bytes: Uint8Array) => Promise<void> {
  if (DESCRIPTOR.test(image)) return (bytes) => writeFile(image, bytes);
  const target = context.dataTarget(image, { binary: true });
  return (bytes) => target.write([bytes]);
}

/** Link counts and the places of files are those of the lines. */
function readDump(source: string, context: CommandContext): Promise<Directory> {
  return readDumpfile(inputData(source, 'a dumpfile', context));
}

async function readSource(source: string, values: Values, context: CommandContext): Promise<Directory> {
  const store = values['digest-store'];
  const path = store === undefined ? undefined : resolve(context.world.cwd, store);
  const { root } = await readDirectory(
    source,
    'sha256',
    { ...context, reporter: nullReporter },
    {
      hardLinks: values.hardlinks ? 'tracked' : 'broken',
      xattrs: !values['skip-xattrs'],
      threads: values.threads,
      store: path === undefined ? undefined : objectStoreModule({ path, directory: path, algorithm: 'sha256', secure: false }),
    },
  );
  if (values['use-epoch']) setTimes(root, EPOCH);
  if (values['skip-devices']) removeDevices(root);
  if (values['user-xattrs']) filterXattrs(root, (name) => name.startsWith('user.'));
  return root;
}

import { defineCommand, type Command } from '@cfskit/cli-kit';
import { writeDumpfile } from '@cfskit/fs-tree';
import { fsOptions, transformTree } from '../fs-options.ts';
import { directoryAlgorithm, readDirectory } from '../read-directory.ts';

export const createDumpfile: Command = defineCommand({
  summary: 'Print a directory as a composefs dumpfile, without storing anything',
  details:
    'The tree is that of create-image. The algorithm of the digests is that of --hash, else that of the repository if there is one, else sha512.',
  arguments: { path: { name: 'PATH', description: 'The directory' } },
  options: {
    ...fsOptions,
    output: { type: 'string', short: 'o', value: 'FILE', description: 'Write to FILE instead of standard output' },
  },
  examples: [
    ['create-dumpfile ./root', 'a line for each file'],
    ['create-dumpfile --hash sha256 -o root.dump ./root', 'what mkcomposefs --from-file takes'],
  ],
  json: false,
  async run({ values, args: { path } }, context) {
    const target = context.dataTarget(values.output, { binary: false });
    const { root } = await readDirectory(path, await directoryAlgorithm(values, context), context);
    transformTree(root, values);
    await target.write(writeDumpfile(root));
  },
});

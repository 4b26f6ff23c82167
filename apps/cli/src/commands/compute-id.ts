import { defineCommand, type Command } from '@cfskit/cli-kit';
import type { Directory } from '@cfskit/fs-tree';
import type { Algorithm } from '@cfskit/fs-verity';
import { fsOptions, transformTree } from '../fs-options.ts';
import { candidateIds, computeImageId, explainOption, printCandidates, printImageId, requestedFormat } from '../image-id.ts';
import { directoryAlgorithm, readDirectory } from '../read-directory.ts';

export const computeId: Command = defineCommand({
  summary: 'Print the id that the EROFS image of a directory has, without storing anything',
  details:
    'No repository is needed. The format is that of --erofs-version, else 1, whatever a repository makes; the algorithm is that of --hash, else that of the repository if there is one, else sha512. With --explain every file is read twice.',
  arguments: { path: { name: 'PATH', description: 'The directory' } },
  options: { ...fsOptions, ...explainOption },
  examples: [
    ['compute-id ./root', 'the id that create-image gives in a repository of its own'],
    ['compute-id --explain ./root', 'all ids that it could have'],
  ],
  async run({ values, args: { path } }, context) {
    const readTree = async (algorithm: Algorithm): Promise<Directory> => (await readDirectory(path, algorithm, context)).root;
    if (values.explain) return printCandidates(await candidateIds(readTree, !values['no-propagate-usr-to-root']), context);
    const algorithm = await directoryAlgorithm(values, context);
    const root = await readTree(algorithm);
    transformTree(root, values);
    const format = requestedFormat(values) ?? 1;
    const imageId = computeImageId(root, format, algorithm);
    const settings = values['no-propagate-usr-to-root'] ? { format, algorithm } : { format, algorithm, xattrs: values.xattrs };
    return printImageId({ imageId, ...settings }, context);
  },
});

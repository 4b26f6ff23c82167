import { resolve } from 'node:path';
import { defineCommand, UsageError, type Command } from '@cfskit/cli-kit';
import { withRepositoryIfAny } from '@cfskit/cli-kit/images';
import { escapeBytes } from '@cfskit/fs-tree';
import { extractTree } from '@cfskit/render';
import { basedirOption, ContentReader } from '../file-content.ts';
import { imagePath } from '../image-path.ts';
import { openSubject } from '../subject.ts';
import { checkSubjectName, REF_TEXT } from '../subject-place.ts';
import { reportJson, unpackOptions, unpackRules, warnOfReport } from '../unpack-options.ts';

export const extract: Command = defineCommand({
  summary: 'Copy files and directories of an image to a directory, objects checked while they are read',
  details:
    'Each PATH, with everything below it, gets the same path below DIR, with owner, permissions, attributes, times and hard links as far as this user may set them. Nothing is mounted, and nothing is written outside of DIR. When an object is not what its id says, what was written by then stays.',
  arguments: {
    image: { name: 'REF', description: REF_TEXT },
    paths: { name: 'PATH', description: 'Path in the image; / is all of it', variadic: true },
  },
  options: {
    output: { type: 'string', short: 'o', value: 'DIR', description: 'Directory to write to, which is made if need be' },
    ...unpackOptions,
    ...basedirOption,
  },
  examples: [
    ['extract my-image /etc /usr/share/doc --output files', 'two directories of an image'],
    ['extract --owner require image.cfs / --basedir objects -o root', 'all of an image file, or nothing that is not exactly so'],
  ],
  exitCodes: [{ code: '1', meaning: 'failed, for instance because an object is not what its id says' }],
  run({ values, args }, context) {
    const { output } = values;
    if (output === undefined || output === '') throw new UsageError('missing --output DIR');
    checkSubjectName(args.image);
    return withRepositoryIfAny(values, context, async (repository) => {
      const { root } = await openSubject(args.image, repository, context);
      const contents = new ContentReader(repository, values.basedir, context);
      const to = resolve(context.world.cwd, output);
      const { report } = await extractTree(root, to, (content, path) => contents.read(content, escapeBytes(path)), {
        ...unpackRules(values),
        paths: args.paths.map(imagePath),
        signal: context.signal,
        onWarning: (text) => context.log.warn(text),
      });
      warnOfReport(report, context);
      await context.print({ json: () => ({ report: reportJson(report) }), text: () => [] });
    });
  },
});

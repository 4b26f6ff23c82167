import { defineCommand, type Command } from '@cfskit/cli-kit';
import { withRepository } from '@cfskit/cli-kit/images';
import { readObjectIds } from '@cfskit/erofs';
import { formatFsckReport, type Repository } from '@cfskit/repository';
import { checkProgress, concludeCheck, reportLines, repositoryReportJson } from '../checks.ts';

export const fsck: Command = defineCommand({
  summary: 'Check the repository: metadata, objects, streams, images and all links',
  details: 'Changes nothing. Every object is compared with its name, by the kernel where it has fs-verity, else by hashing it.',
  options: {
    'metadata-only': { type: 'boolean', description: 'Leave out reading the objects themselves' },
    'exit-zero': { type: 'boolean', description: 'Exit 0 also when problems were found' },
  },
  examples: [
    ['fsck', 'check everything'],
    ['fsck --metadata-only --json', 'only names and links, as JSON'],
  ],
  exitCodes: [
    { code: '0', meaning: 'everything is in order' },
    { code: '1', meaning: 'problems were found, or the check itself failed' },
  ],
  run({ values }, context) {
    const check = async (repository: Repository): Promise<void> => {
      const options = { metadataOnly: values['metadata-only'], onProgress: checkProgress(context), signal: context.signal };
      const report = await repository.fsck(options);
      await context.print({ json: () => repositoryReportJson(report), text: () => reportLines(formatFsckReport(report)) });
      concludeCheck(report.errors.length, { exitZero: values['exit-zero'], message: 'repository integrity check failed' });
    };
    return withRepository(values, context, check, { imageReader: readObjectIds });
  },
});

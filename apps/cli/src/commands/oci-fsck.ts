import { defineCommand, type Command } from '@cfskit/cli-kit';
import { withRepository } from '@cfskit/cli-kit/images';
import { readObjectIds } from '@cfskit/erofs';
import { formatOciFsckReport, isOciFsckOk, ociFsck as checkImages, ociFsckJson, type OciFsckReport } from '@cfskit/oci-import';
import type { Repository } from '@cfskit/repository';
import { checkProgress, concludeCheck, reportLines, repositoryReportJson } from '../checks.ts';
import { checkImageRef, IMAGE_REF_TEXT } from '../image-ref.ts';

export const ociFsck: Command = defineCommand({
  summary: 'Check the repository, and that every tagged image is complete',
  details: 'Manifests and configs are compared with their digests, and all layers must be there. Changes nothing.',
  arguments: { image: { name: 'REF', description: `${IMAGE_REF_TEXT}; without it, all tags`, optional: true } },
  options: { 'exit-zero': { type: 'boolean', description: 'Exit 0 also when problems were found' } },
  examples: [
    ['oci fsck', 'all images'],
    ['oci fsck demo --json', 'one, as JSON'],
  ],
  exitCodes: [
    { code: '0', meaning: 'everything is in order' },
    { code: '1', meaning: 'problems were found, or the check itself failed' },
  ],
  run({ values, args }, context) {
    if (args.image !== undefined) checkImageRef(args.image);
    const check = async (repository: Repository): Promise<void> => {
      const report = await checkImages(repository, { reference: args.image, onProgress: checkProgress(context), signal: context.signal });
      await context.print({ json: () => toJson(report), text: () => reportLines(formatOciFsckReport(report)) });
      const problems = isOciFsckOk(report) ? 0 : report.findings.length + report.repository.errors.length;
      concludeCheck(problems, { exitZero: values['exit-zero'], message: 'OCI integrity check failed' });
    };
    return withRepository(values, context, check, { imageReader: readObjectIds });
  },
});

function toJson(report: OciFsckReport): unknown {
  return { ...ociFsckJson(report), repo: repositoryReportJson(report.repository) };
}

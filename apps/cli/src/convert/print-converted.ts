import { printable, type CommandContext } from '@cfskit/cli-kit';
import { formatBytes } from '@cfskit/progress';
import { reportJson, warnOfReport } from '../unpack-options.ts';
import type { Converted } from './convert-image.ts';
import type { Destination } from './destination.ts';

/** Print what came of a conversion; nothing on standard output if its data went there. */
export async function printConverted(converted: Converted, { text, path }: Destination, context: CommandContext): Promise<void> {
  warnOfReport(converted.report, context);
  if (path === undefined) return;
  const { bytes, digest, imageId, report, linksDropped = 0 } = converted;
  await context.print({
    json: () => ({
      dest: text,
      bytes,
      ...(digest !== undefined && { digest }),
      ...(imageId !== undefined && { image_id: imageId }),
      report: { ...(reportJson(report) as object), links_dropped: linksDropped },
    }),
    text: () => [
      [printable(text), formatBytes(bytes), ...(digest === undefined ? [] : [digest])].join('  '),
      ...(imageId === undefined ? [] : [`image    ${imageId}`]),
    ],
  });
}

import { defineCommand, type Command } from '@cfskit/cli-kit';
import { lockOptions, withRepository } from '@cfskit/cli-kit/images';
import { readObjectIds } from '@cfskit/erofs';
import { collectGarbage } from '@cfskit/oci-import';
import { formatGcResult, gcJson, type Repository } from '@cfskit/repository';

export const gc: Command = defineCommand({
  summary: 'Remove objects that nothing refers to, and the names that lead to them',
  details:
    'Roots are all tags and other references; an artifact is kept by its own tag or by the image it belongs to. Waits until no other process has the repository open. Nothing is removed when a reference dangles or a stream in use cannot be read.',
  options: {
    root: { type: 'string', short: 'r', value: 'NAME', multiple: true, description: 'Keep this image or stream as well; may be repeated' },
    'dry-run': { type: 'boolean', short: 'n', description: 'Only count; the numbers are those of a real run' },
  },
  examples: [
    ['gc -n', 'how much would be removed'],
    ['gc -r oci-layer-sha256:… --lock-timeout 60', 'keep that layer; give up after a minute'],
  ],
  run({ values }, context) {
    const collect = async (repository: Repository): Promise<void> => {
      const dryRun = values['dry-run'];
      const result = await collectGarbage(repository, { ...lockOptions(values, context), roots: values.root, dryRun });
      for (const name of result.unknownRoots) context.log.warn(`--root ${name}: no image and no stream of this name`);
      await context.print({ json: () => gcJson(result, dryRun), text: () => linesOf(formatGcResult(result, dryRun)) });
    };
    return withRepository(values, context, collect, { imageReader: readObjectIds });
  },
});

function linesOf(text: string): string[] {
  return text.trimEnd().split('\n');
}

import { defineCommand, UsageError, type Command } from '@cfskit/cli-kit';
import {
  accessOptions,
  platformOption,
  PULL_DETAILS,
  pullImage,
  pullOptions,
  readPull,
  seedOptions,
  withWritableRepository,
} from '@cfskit/cli-kit/images';
import { isPullOutput, pullOutput, pullOutputOptions } from '../convert/pull-output.ts';
import { located, parseSource, SOURCE_TEXT, withFetcher } from '../image-source.ts';
import { registryAccess } from '../registry-access.ts';

export const ociPull: Command = defineCommand({
  summary: 'Store an image in the repository and give it a tag',
  details: PULL_DETAILS,
  arguments: {
    source: { name: 'SOURCE', description: `${SOURCE_TEXT}; this or --image must be given`, optional: true },
    name: { name: 'NAME', description: 'Tag in the repository (default: SOURCE as typed)', optional: true },
  },
  options: { ...platformOption, ...accessOptions, ...seedOptions, ...pullOptions, ...pullOutputOptions },
  examples: [
    ['pull oci:examples/tiny:latest tiny', 'from a layout in a directory, tagged tiny'],
    [
      'pull --platform linux/arm64 --seed cache.tar docker://ghcr.io/o/i:t app',
      'for another machine; what the archive has is not downloaded',
    ],
  ],
  async run({ values, args }, context) {
    if (isPullOutput(values)) return pullOutput(values, args.source, context);
    const { source } = args;
    if (source === undefined) throw new UsageError('missing SOURCE');
    const reference = parseSource(source);
    const pull = readPull(values, { ...args, source });
    const registry = await registryAccess(values, reference, context);
    return withWritableRepository(values, context, (repository) =>
      withFetcher(registry, values, context, async (fetcher) =>
        pullImage(repository, await fetcher.source(located(reference, context.world.cwd)), pull, context),
      ),
    );
  },
});

import { defineCommand, UsageError, type Command } from '@cfskit/cli-kit';
import { accessOptions, foreignOption, platformOption, readPlatform, seedOptions } from '@cfskit/cli-kit/access';
import type { FetchedLayout } from '@cfskit/image-source';
import { resolve } from 'node:path';
import { imageOption, imageOrArgument } from '../convert/ocirender-image.ts';
import { located, parseSource, SOURCE_TEXT, withFetcher } from '../image-source.ts';
import { registryAccess } from '../registry-access.ts';

export const fetch: Command = defineCommand({
  summary: 'Fetch an image into an OCI layout in a directory',
  details:
    'No repository is needed. What is there and right is kept, what is there and wrong is fetched again. An interrupted fetch, even one that was killed, goes on where it was. The image gets its entry in the layout when all of it is there.',
  arguments: { source: { name: 'REF', description: `${SOURCE_TEXT}; this or --image must be given`, optional: true } },
  options: {
    ...imageOption,
    output: { type: 'string', value: 'DIR', description: 'Directory of the layout, made if need be; must be given' },
    'manifest-only': { type: 'boolean', description: 'Fetch the manifest, and nothing that it names' },
    jobs: { type: 'integer', value: 'N', min: 1, max: 256, default: 3, description: 'Blobs at once' },
    ...platformOption,
    ...accessOptions,
    ...seedOptions,
    ...foreignOption,
  },
  examples: [
    ['fetch docker://alpine:3.19 --output layout', 'from Docker Hub, for this machine'],
    ['fetch docker://ghcr.io/o/i:t --output layout --seed cache.tar --platform linux/arm64', 'what an archive has is not downloaded'],
  ],
  async run({ values, args }, context) {
    const reference = parseSource(imageOrArgument(values.image, args.source, 'REF'), 'REF');
    const { output } = values;
    if (output === undefined || output === '') throw new UsageError('missing --output DIR');
    const platform = readPlatform(values.platform, 'fetch takes one; copy takes an index whole');
    const { reporter, signal, world } = context;
    const registry = await registryAccess(values, reference, context);
    const fetched = await withFetcher(registry, values, context, async (fetcher) => {
      const image = await fetcher.resolve(located(reference, world.cwd), { signal, ...(platform !== undefined && { platform }) });
      return await fetcher.fetchToLayout(image, resolve(world.cwd, output), {
        jobs: values.jobs,
        manifestOnly: values['manifest-only'],
        reporter,
        signal,
      });
    });
    await context.print({ json: () => toJson(fetched), text: () => [`manifest ${fetched.descriptor.digest}`] });
  },
});

function toJson({ descriptor, configDigest, layers, bytesFetched, bytesPresent }: FetchedLayout): unknown {
  return {
    manifest_digest: descriptor.digest,
    config_digest: configDigest,
    layers,
    bytes_fetched: bytesFetched,
    bytes_present: bytesPresent,
  };
}

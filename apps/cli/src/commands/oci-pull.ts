import { defineCommand, UsageError, type Command, type CommandContext, type GlobalValues, type OptionValues } from '@cfskit/cli-kit';
import {
  accessOptions,
  foreignOption,
  fetchOptions,
  localFetchOptions,
  platformOption,
  proxyOptions,
  PULL_DETAILS,
  pullFromStorage,
  pullImage,
  pullOptions,
  pullWay,
  readPull,
  seedOptions,
  withProxySource,
  withWritableRepository,
  type Pull,
  type PullWay,
} from '@cfskit/cli-kit/images';
import type { ImageReference } from '@cfskit/oci-ref';
import { isPullOutput, pullOutput, pullOutputOptions } from '../convert/pull-output.ts';
import { located, parsePullSource, PULL_SOURCE_TEXT, withFetcher } from '../image-source.ts';
import { registryAccess } from '../registry-access.ts';

const options = {
  ...platformOption,
  ...accessOptions,
  ...seedOptions,
  ...foreignOption,
  ...fetchOptions,
  ...proxyOptions,
  ...localFetchOptions,
  ...pullOptions,
  ...pullOutputOptions,
};

type Values = OptionValues<typeof options> & GlobalValues;

export const ociPull: Command = defineCommand({
  summary: 'Store an image in the repository and give it a tag',
  details: PULL_DETAILS,
  arguments: {
    source: { name: 'SOURCE', description: `${PULL_SOURCE_TEXT}; this or --image must be given`, optional: true },
    name: { name: 'NAME', description: 'Tag in the repository (default: SOURCE as typed)', optional: true },
  },
  options,
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
    const reference = parsePullSource(source);
    const way = pullWay(reference, values);
    const pull = readPull(values, { ...args, source });
    if (way === 'native') return pullNatively(values, reference, pull, context);
    refuseSeeds(values, reference);
    return pullElsewhere(values, { reference, way, pull }, context);
  },
});

async function pullNatively(values: Values, reference: ImageReference, pull: Pull, context: CommandContext): Promise<void> {
  const registry = await registryAccess(values, reference, context);
  return withWritableRepository(values, context, (repository) =>
    withFetcher(registry, values, context, async (fetcher) =>
      pullImage(repository, await fetcher.source(located(reference, context.world.cwd)), pull, context),
    ),
  );
}

interface PullElsewhere {
  readonly reference: ImageReference;
  readonly way: Exclude<PullWay, 'native'>;
  readonly pull: Pull;
}

/** Through skopeo, or from the storage of containers. */
function pullElsewhere(values: Values, { reference, way, pull }: PullElsewhere, context: CommandContext): Promise<void> {
  const via = way === 'staging' ? way : 'auto';
  return withWritableRepository(values, context, (repository) => {
    const throughSkopeo = (): Promise<void> =>
      withProxySource(reference, via, values, context, (image) => pullImage(repository, image, pull, context));
    if (way !== 'storage') return throughSkopeo();
    const storage = { reference, pull, localFetch: values['local-fetch'], ...(values.fetch === 'auto' && { throughSkopeo }) };
    return pullFromStorage(repository, storage, context);
  });
}

/** What is asked before the network: skopeo does that in its own way, and a storage not at all. */
function refuseSeeds(values: Values, { transport }: ImageReference): void {
  const given = [
    ...(values.seed.length > 0 ? ['--seed'] : []),
    ...(values.offline ? ['--offline'] : []),
    ...(values['registry-mirror'].length > 0 ? ['--registry-mirror'] : []),
  ];
  if (given.length === 0) return;
  throw new UsageError(
    `${given.join(', ')}: wanted an image that this program reads by itself, found one of ${transport}: that it does not`,
  );
}

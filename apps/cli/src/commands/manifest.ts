import { defineCommand, type Command } from '@cfskit/cli-kit';
import { accessOptions, platformOption, readPlatform } from '@cfskit/cli-kit/access';
import { located, noSeeds, parseSource, SOURCE_TEXT, withFetcher } from '../image-source.ts';
import { registryAccess } from '../registry-access.ts';

export const manifest: Command = defineCommand({
  summary: 'Print the manifest or index that a reference names, byte for byte',
  details: 'No repository is needed. The bytes have been compared with their digest. Nothing is added to them, not even a line end.',
  arguments: { source: { name: 'REF', description: SOURCE_TEXT } },
  options: {
    platform: {
      ...platformOption.platform,
      description: 'Follow an index to the manifest for this platform',
      defaultText: 'the index itself',
    },
    digest: { type: 'boolean', description: 'Print the digest only' },
    ...accessOptions,
  },
  examples: [
    ['manifest docker://alpine:3.19 --platform linux/arm64', 'the manifest of one image'],
    ['manifest oci-archive:app.tar --digest', 'what an archive holds'],
  ],
  json: false,
  async run({ values, args }, context) {
    const { signal, world } = context;
    const reference = parseSource(args.source, 'REF');
    const platform = readPlatform(values.platform, 'leave --platform out to see the index');
    const target = context.dataTarget(undefined, { binary: false });
    const registry = await registryAccess(values, reference, context);
    const { descriptor, raw } = await withFetcher(registry, noSeeds, context, async (fetcher) => {
      const source = await fetcher.source(located(reference, world.cwd));
      return platform === undefined ? await source.resolveRoot({ signal }) : await source.resolve({ platform, signal });
    });
    await target.write([values.digest ? `${descriptor.digest}\n` : raw]);
  },
});

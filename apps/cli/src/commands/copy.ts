import { defineCommand, type Command } from '@cfskit/cli-kit';
import { accessOptions, foreignOption, platformOption, readPlatform, seedOptions } from '@cfskit/cli-kit/access';
import { copyImage, openImageDestination, type WrittenImage } from '@cfskit/image-source';
import { located, parseDestination, parseSource, SOURCE_TEXT, withFetcher } from '../image-source.ts';
import { registryAccess } from '../registry-access.ts';

export const copy: Command = defineCommand({
  summary: 'Copy an image between registries, layouts, archives and directories',
  details:
    'No repository is needed, and nothing is converted: manifests, configs and layers keep their bytes and digests. An index is copied with all of its images, unless --platform chooses one. The name at the destination is set last.',
  arguments: {
    source: { name: 'SRC', description: SOURCE_TEXT },
    destination: { name: 'DST', description: 'Where to: docker://NAME, oci:DIR[:TAG], oci-archive:FILE[:TAG] or dir:PATH' },
  },
  options: {
    jobs: { type: 'integer', value: 'N', min: 1, max: 256, default: 3, description: 'Blobs at once' },
    platform: { ...platformOption.platform, description: 'Copy the image for this platform alone', defaultText: 'an index as a whole' },
    ...accessOptions,
    'dest-authfile': {
      type: 'string',
      value: 'FILE',
      description: 'Credential file that is asked first for DST',
      defaultText: '--authfile',
      conflicts: ['no-creds'],
    },
    'dest-creds': {
      type: 'string',
      value: 'USER:PASSWORD',
      description: 'Credentials for the registry in DST, and for no other',
      conflicts: ['no-creds'],
    },
    'dest-tls-verify': {
      type: 'string',
      value: 'BOOL',
      choices: ['true', 'false'],
      implied: 'true',
      description: 'As --tls-verify, for DST alone',
      defaultText: '--tls-verify',
    },
    ...seedOptions,
    ...foreignOption,
  },
  examples: [
    ['copy docker://alpine:3.19 oci-archive:alpine.tar:alpine:3.19', 'an image for all platforms into one file'],
    ['copy oci:layout:v1 docker://localhost:5000/team/app:v1 --dest-creds me:secret', 'push a layout'],
  ],
  async run({ values, args }, context) {
    const { reporter, signal, world, log } = context;
    const from = parseSource(args.source, 'SRC');
    const to = parseDestination(args.destination);
    const platform = readPlatform(values.platform, 'leave --platform out to copy all of them');
    const source = await registryAccess(values, from, context);
    const destinationValues = {
      ...values,
      authfile: values['dest-authfile'] ?? values.authfile,
      creds: values['dest-creds'],
      'tls-verify': values['dest-tls-verify'] ?? values['tls-verify'],
      'password-stdin': false,
    };
    const registry = await registryAccess(destinationValues, to, context, '--dest-creds');
    const destination = openImageDestination(located(to, world.cwd), { registry });
    try {
      const written = await withFetcher(source, values, context, async (fetcher) =>
        copyImage(await fetcher.source(located(from, world.cwd)), destination, {
          jobs: values.jobs,
          foreignLayers: values['foreign-layers'],
          ...(platform !== undefined && { platform }),
          reporter,
          signal,
          onWarning: (text) => log.warn(text),
        }),
      );
      await context.print({ json: () => toJson(written), text: () => [`manifest ${written.descriptor.digest}`] });
    } finally {
      await destination.close();
    }
  },
});

function toJson({ descriptor, blobsCopied, blobsMounted, blobsPresent, bytesCopied }: WrittenImage): unknown {
  return {
    manifest_digest: descriptor.digest,
    blobs_copied: blobsCopied,
    blobs_mounted: blobsMounted,
    blobs_present: blobsPresent,
    bytes_copied: bytesCopied,
  };
}

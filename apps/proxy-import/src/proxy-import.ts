import { defineCommand, UsageError, type Command } from '@cfskit/cli-kit';
import {
  accessOptions,
  localFetchOptions,
  PULL_DETAILS,
  platformOption,
  proxyOptions,
  pullFromStorage,
  pullImage,
  pullOptions,
  readPull,
  readValue,
  withProxySource,
  withWritableRepository,
} from '@cfskit/cli-kit/images';
import { parseImageReference, parseRegistryName, transportPrefixes, type ImageReference } from '@cfskit/oci-ref';

/** Store an image that skopeo reads: the options, output and exit codes of `cfskit pull`. */
export const proxyImport: Command = defineCommand({
  summary: 'Store an image that skopeo reads in the repository and give it a tag',
  details: `skopeo reads the image, with the container configuration of this machine: mirrors, credentials, signature policy. ${PULL_DETAILS}`,
  arguments: {
    source: { name: 'SOURCE', description: `The image, as skopeo names it: ${transportPrefixes.join(', ')} and what follows` },
    name: { name: 'NAME', description: 'Tag in the repository (default: SOURCE as typed)', optional: true },
  },
  options: {
    ...platformOption,
    ...accessOptions,
    'registry-mirror': {
      type: 'string',
      value: 'URL',
      description: 'Mirrors',
      refused: 'not supported; skopeo takes mirrors from registries.conf',
    },
    ...proxyOptions,
    via: {
      type: 'string',
      value: 'WAY',
      choices: ['auto', 'packet', 'ipc', 'staging'],
      default: 'auto',
      description:
        'How to talk to skopeo: over a packet socket (packet), which needs koffi, over a pipe of Node (ipc), or by letting it copy the image first (staging)',
    },
    ...localFetchOptions,
    ...pullOptions,
  },
  examples: [
    ['containers-storage:localhost/app:1 app', 'from the storage of podman, tagged app'],
    ['--platform linux/arm64 docker://ghcr.io/o/i:t app', 'from a registry, with the mirrors and the signature policy of this machine'],
  ],
  async run({ values, args }, context) {
    const reference = parseSource(args.source);
    const pull = readPull(values, args);
    const { via, 'local-fetch': localFetch } = values;
    const isNative = reference.transport === 'containers-storage' && localFetch !== 'disabled';
    if (isNative && via !== 'auto') throw new UsageError(`--local-fetch ${localFetch}: not together with --via ${via}`);
    return withWritableRepository(values, context, (repository) => {
      const throughSkopeo = (): Promise<void> =>
        withProxySource(reference, via, values, context, (source) => pullImage(repository, source, pull, context));
      return isNative ? pullFromStorage(repository, { reference, localFetch, pull, throughSkopeo }, context) : throughSkopeo();
    });
  },
});

function parseSource(text: string): ImageReference {
  return readValue('SOURCE', () => {
    const reference = parseImageReference(text);
    if (reference.transport === 'registry') parseRegistryName(reference.name);
    return reference;
  });
}

import { defineCommand, printable, type Command, type CommandContext } from '@cfskit/cli-kit';
import { XATTR_MODES } from '@cfskit/fs-tree';
import { parseObjectId } from '@cfskit/fs-verity';
import { checkTagName } from '@cfskit/oci-ref';
import { formatPlatform, parseDigest } from '@cfskit/oci-spec';
import {
  completedEvent,
  formatImportStats,
  importImage,
  type ImportImageOptions,
  type ImportResult,
  type ImportStats,
} from '@cfskit/oci-import';
import type { ErofsFormat } from '@cfskit/repository';
import { accessOptions, platformOption, seedOptions } from '../access-options.ts';
import { readValue } from '../bad-value.ts';
import { located, parseSource, SOURCE_TEXT, withFetcher } from '../image-source.ts';
import { LEFT_OUT } from '../left-out.ts';
import { withWritableRepository } from '../open-repository.ts';
import { readPlatform } from '../platform.ts';
import { registryAccess } from '../registry-access.ts';

const GIB = 2 ** 30;
const REFUSED = `not supported; use cfsctl: ${LEFT_OUT}`;

export const ociPull: Command = defineCommand({
  summary: 'Store an image in the repository and give it a tag',
  details:
    'Sizes and digests of all blobs and the diff_id of every layer are checked before anything gets a name. Layers that are there are not read again. The layers become an EROFS image, which the image then leads to; its layers need a directory /usr for that. An interrupted pull keeps the layers it completed, and sets no tag.',
  arguments: {
    source: { name: 'SOURCE', description: SOURCE_TEXT },
    name: { name: 'NAME', description: 'Tag in the repository (default: SOURCE as typed)', optional: true },
  },
  options: {
    ...platformOption,
    ...accessOptions,
    ...seedOptions,
    jobs: { type: 'integer', value: 'N', min: 1, max: 256, description: 'Layers at once', defaultText: 'the number of CPUs, at most 4' },
    'no-image': {
      type: 'boolean',
      description: 'Store the image without an EROFS image, which layers without /usr cannot have',
      conflicts: ['xattrs', 'expect-id'],
    },
    xattrs: {
      type: 'string',
      value: 'MODE',
      choices: XATTR_MODES,
      defaultText: 'allowlist-only; an image that is linked already stays as it is',
      description: 'Extended attributes of the EROFS image: allowlist-only (security.capability) or keep-user-xattrs (user.* too)',
    },
    'expect-id': {
      type: 'string',
      value: 'HEX',
      description: 'Fail, and set no tag, unless the EROFS image has this id',
    },
    'expect-manifest': {
      type: 'string',
      value: 'DIGEST',
      description: 'Fail, before anything is stored, unless the manifest has this digest',
    },
    'max-ratio': {
      type: 'integer',
      value: 'N',
      min: 1,
      max: 1_000_000,
      defaultText: '500',
      description: 'Refuse a layer of more than 1 GiB that is more than N times its compressed size',
    },
    bootable: { type: 'boolean', description: 'Boot images', refused: REFUSED },
    'expected-digest': { type: 'string', value: 'HEX', description: 'Boot images', refused: REFUSED },
  },
  examples: [
    ['pull oci:examples/tiny:latest tiny', 'from a layout in a directory, tagged tiny'],
    [
      'pull --platform linux/arm64 --seed cache.tar docker://ghcr.io/o/i:t app',
      'for another machine; what the archive has is not downloaded',
    ],
  ],
  async run({ values, args }, context) {
    const reference = parseSource(args.source);
    const name = args.name ?? args.source;
    readValue('NAME', () => checkTagName(name));
    const platform = readPlatform(values.platform, 'indexes are not stored; name one platform');
    const expected = values['expect-manifest'];
    if (expected !== undefined) readValue('--expect-manifest', () => parseDigest(expected));
    const image = imageOptions(values);
    const registry = await registryAccess(values, reference, context);
    return withWritableRepository(values, context, (repository) =>
      withFetcher(registry, values, context, async (fetcher) => {
        const source = await fetcher.source(located(reference, context.world.cwd));
        const result = await importImage(repository, source, {
          name,
          ...(platform !== undefined && { platform }),
          ...(expected !== undefined && { expectManifest: expected }),
          ...(values.jobs !== undefined && { jobs: values.jobs }),
          ...(values['max-ratio'] !== undefined && { limits: { maxRatio: values['max-ratio'], ratioFloor: GIB } }),
          ...image,
          reporter: context.reporter,
          signal: context.signal,
          onWarning: (text) => context.log.warn(text),
        });
        await printResult(args.source, result, context);
      }),
    );
  },
});

interface ImageValues {
  readonly 'no-image': boolean;
  readonly xattrs: ImportImageOptions['xattrs'];
  readonly 'expect-id': string | undefined;
  readonly 'erofs-version': string | undefined;
}

function imageOptions(values: ImageValues): Partial<ImportImageOptions> {
  const { xattrs, 'expect-id': id, 'erofs-version': format } = values;
  return {
    image: !values['no-image'],
    ...(xattrs !== undefined && { xattrs }),
    ...(id !== undefined && { expectImage: readValue('--expect-id', () => parseObjectId(id)) }),
    ...(format !== undefined && { erofsFormats: [Number(format) as ErofsFormat] }),
  };
}

async function printResult(source: string, result: ImportResult, context: CommandContext): Promise<void> {
  context.reporter.report(completedEvent(result));
  await context.print({ json: () => toJson(source, result), text: () => toText(result) });
}

function toText({ manifestDigest, configDigest, manifestVerity, tag, stats, imageId }: ImportResult): string[] {
  return [
    `manifest ${manifestDigest}`,
    `config   ${configDigest}`,
    `verity   ${manifestVerity}`,
    `tagged   ${printable(tag ?? '')}`,
    `objects  ${formatImportStats(stats)}`,
    ...(imageId === undefined ? [] : [`image    ${imageId}`]),
  ];
}

function toJson(source: string, result: ImportResult): unknown {
  return {
    source,
    manifest_digest: result.manifestDigest,
    config_digest: result.configDigest,
    manifest_verity: result.manifestVerity,
    config_verity: result.configVerity,
    tag: result.tag,
    ...(result.imageId !== undefined && { image_id: result.imageId }),
    ...(result.platform !== undefined && { platform: formatPlatform(result.platform) }),
    stats: statsJson(result.stats),
    bytes_fetched: result.bytesFetched,
  };
}

function statsJson(stats: ImportStats): unknown {
  return {
    layers: stats.layers,
    layers_already_present: stats.layersAlreadyPresent,
    objects_copied: stats.objectsCopied,
    objects_reflinked: stats.objectsReflinked,
    objects_hardlinked: stats.objectsHardlinked,
    objects_already_present: stats.objectsAlreadyPresent,
    bytes_copied: stats.bytesCopied,
    bytes_reflinked: stats.bytesReflinked,
    bytes_hardlinked: stats.bytesHardlinked,
    bytes_inlined: stats.bytesInlined,
  };
}

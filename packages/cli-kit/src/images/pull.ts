import { XATTR_MODES } from '@cfskit/fs-tree';
import { parseObjectId } from '@cfskit/fs-verity';
import { completedEvent, formatImportStats, importImage } from '@cfskit/oci-import';
import type { ImportImageOptions, ImportResult, ImportStats } from '@cfskit/oci-import';
import { checkTagName } from '@cfskit/oci-ref';
import { formatPlatform, parseDigest, type ImageSource } from '@cfskit/oci-spec';
import type { ErofsFormat, Repository } from '@cfskit/repository';
import type { CommandContext } from '../context.ts';
import type { GlobalValues } from '../global-options.ts';
import type { BooleanOption, OptionValues, StringOption } from '../option.ts';
import { printable } from '../printable.ts';
import { platformOption } from './access-options.ts';
import { readPlatform } from './platform.ts';
import { readValue } from './read-value.ts';

const GIB = 2 ** 30;
const REFUSED = 'not supported; use cfsctl: not part of this tool (boot and ostree integration); cfsctl has it';

const jobs = {
  type: 'integer',
  value: 'N',
  min: 1,
  max: 256,
  description: 'Layers at once',
  defaultText: 'the number of CPUs, at most 4',
} as const;
const noImage = {
  type: 'boolean',
  description: 'Store the image without an EROFS image, which layers without /usr cannot have',
  conflicts: ['xattrs', 'expect-id'],
} as const;
const xattrs: StringOption & { readonly choices: typeof XATTR_MODES } = {
  type: 'string',
  value: 'MODE',
  choices: XATTR_MODES,
  defaultText: 'allowlist-only; an image that is linked already stays as it is',
  description: 'Extended attributes of the EROFS image: allowlist-only (security.capability) or keep-user-xattrs (user.* too)',
};
const expectId = { type: 'string', value: 'HEX', description: 'Fail, and set no tag, unless the EROFS image has this id' } as const;
const expectManifest = {
  type: 'string',
  value: 'DIGEST',
  description: 'Fail, before anything is stored, unless the manifest has this digest',
} as const;
const maxRatio = {
  type: 'integer',
  value: 'N',
  min: 1,
  max: 1_000_000,
  defaultText: '500',
  description: 'Refuse a layer of more than 1 GiB that is more than N times its compressed size',
} as const;
const bootable: BooleanOption = { type: 'boolean', description: 'Boot images', refused: REFUSED };
const expectedDigest: StringOption = { type: 'string', value: 'HEX', description: 'Boot images', refused: REFUSED };

type PullOptions = typeof platformOption & {
  readonly jobs: typeof jobs;
  readonly 'no-image': typeof noImage;
  readonly xattrs: typeof xattrs;
  readonly 'expect-id': typeof expectId;
  readonly 'expect-manifest': typeof expectManifest;
  readonly 'max-ratio': typeof maxRatio;
  readonly bootable: typeof bootable;
  readonly 'expected-digest': typeof expectedDigest;
};

/** How an image is stored: options of every program that pulls. */
export const pullOptions: PullOptions = {
  ...platformOption,
  jobs,
  'no-image': noImage,
  xattrs,
  'expect-id': expectId,
  'expect-manifest': expectManifest,
  'max-ratio': maxRatio,
  bootable,
  'expected-digest': expectedDigest,
};

/** What is done to each image that is pulled, for the help. */
export const PULL_DETAILS: string =
  'Sizes and digests of all blobs and the diff_id of every layer are checked before anything gets a name. Layers that are there are not read again. The layers become an EROFS image, which the image then leads to; its layers need a directory /usr for that. An interrupted pull keeps the layers it completed, and sets no tag.';

/** What is to be pulled, and how. */
export interface Pull {
  /** The source, as it was typed. */
  readonly source: string;
  readonly options: ImportImageOptions;
}

/** Values of the options, and of the global one that matters. */
export type PullValues = OptionValues<PullOptions> & Pick<GlobalValues, 'erofs-version'>;

/**
 * Understand the command line of a pull. Nothing is opened.
 *
 * @throws {UsageError}
 */
export function readPull(
  values: PullValues,
  { source, name = source }: { readonly source: string; readonly name?: string | undefined },
): Pull {
  readValue('NAME', () => checkTagName(name));
  const platform = readPlatform(values.platform, 'indexes are not stored; name one platform');
  const { jobs: layersAtOnce, 'expect-manifest': manifest, xattrs: mode, 'expect-id': id, 'erofs-version': format } = values;
  if (manifest !== undefined) readValue('--expect-manifest', () => parseDigest(manifest));
  const options: ImportImageOptions = {
    name,
    image: !values['no-image'],
    ...(platform !== undefined && { platform }),
    ...(manifest !== undefined && { expectManifest: manifest }),
    ...(layersAtOnce !== undefined && { jobs: layersAtOnce }),
    ...(values['max-ratio'] !== undefined && { limits: { maxRatio: values['max-ratio'], ratioFloor: GIB } }),
    ...(mode !== undefined && { xattrs: mode }),
    ...(id !== undefined && { expectImage: readValue('--expect-id', () => parseObjectId(id)) }),
    ...(format !== undefined && { erofsFormats: [Number(format) as ErofsFormat] }),
  };
  return { source, options };
}

/** Store an image, show its progress, and print what became of it. */
export async function pullImage(repository: Repository, source: ImageSource, pull: Pull, context: CommandContext): Promise<void> {
  const { reporter, signal, log } = context;
  const result = await importImage(repository, source, { ...pull.options, reporter, signal, onWarning: (text) => log.warn(text) });
  reporter.report(completedEvent(result));
  await context.print({ json: () => toJson(pull.source, result), text: () => toText(result) });
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

import {
  CliError,
  defineCommand,
  printable,
  type Command,
  type CommandContext,
  type GlobalValues,
  type OptionValues,
  type Table,
} from '@cfskit/cli-kit';
import { withRepository } from '@cfskit/cli-kit/images';
import { listImages, type ImageSummary } from '@cfskit/oci-import';
import { mapItems } from '../map-items.ts';
import { shortHex } from '../short-digest.ts';

/** What of the list to show, and how. */
export const imageListOptions = {
  filter: { type: 'string', value: 'TEXT', description: 'Only images whose name contains TEXT' },
  'no-trunc': { type: 'boolean', description: 'Show whole digests instead of their first 12 hex digits' },
  digests: { type: 'boolean', description: 'Show whole digests with their algorithm, as other commands take them' },
} as const;

export const ociImages: Command = defineCommand({
  summary: 'List the tagged OCI images',
  options: imageListOptions,
  examples: [
    ['oci images', 'a table of all images'],
    ['ls --filter debian --json', 'some of them, for programs'],
  ],
  exitCodes: [{ code: '1', meaning: 'failed, or an image cannot be read; the others are listed' }],
  run: ({ values }, context) => printImageList(values, context),
});

/** Print the table of tagged images. */
export function printImageList(values: OptionValues<typeof imageListOptions> & GlobalValues, context: CommandContext): Promise<void> {
  return withRepository(values, context, async (repository) => {
    const { filter = '' } = values;
    const isShown = (name: string): boolean => name.includes(filter);
    const unreadable = new Map<string, unknown>();
    const all = await listImages(repository, { onUnreadable: (name, error) => isShown(name) && unreadable.set(name, error) });
    const images = all.filter(({ name }) => isShown(name));
    await context.print({
      json: () => ({ images: mapItems(images, toJson) }),
      text: () => (images.length + unreadable.size === 0 ? ['No images found'] : context.table(tableOf(images, values))),
    });
    if (unreadable.size > 0) throw cannotRead(unreadable);
  });
}

/** The list is not the whole one: an error that names each image it lacks, and says why. */
function cannotRead(unreadable: ReadonlyMap<string, unknown>): CliError {
  const errors = [...unreadable].map(([name, error]) => `${name}: ${error instanceof Error ? error.message : String(error)}`);
  const message = `cannot read ${unreadable.size === 1 ? 'image' : `${unreadable.size} images:`} ${errors.join('; ')}`;
  return new CliError('PROBLEMS_FOUND', message, { detail: { unreadable: [...unreadable.keys()] } });
}

function tableOf(images: readonly ImageSummary[], shown: Shown): Table {
  return { head: ['NAME', 'DIGEST', 'ARCH', 'LAYERS', 'REFS'], rows: images.map((image) => toRow(image, shown)) };
}

interface Shown {
  readonly digests: boolean;
  readonly 'no-trunc': boolean;
}

function toRow({ name, manifestDigest, isContainer, architecture, layerCount, referrerCount }: ImageSummary, shown: Shown): string[] {
  const digest = shown.digests ? manifestDigest : shortHex(manifestDigest, shown['no-trunc']);
  const arch = isContainer && architecture !== '' ? printable(architecture) : 'artifact';
  return [printable(name), digest, arch, String(layerCount), String(referrerCount)];
}

function toJson(image: ImageSummary): unknown {
  return {
    name: image.name,
    manifest_digest: image.manifestDigest,
    is_container: image.isContainer,
    architecture: image.architecture,
    os: image.os,
    created: image.created ?? null,
    layer_count: image.layerCount,
    referrer_count: image.referrerCount,
  };
}

import { defineCommand, printable, type Command, type CommandContext, type GlobalValues, type OptionValues } from '@cfskit/cli-kit';
import { withRepository } from '@cfskit/cli-kit/images';
import { listImages, type ImageSummary } from '@cfskit/oci-import';
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
  run: ({ values }, context) => printImageList(values, context),
});

/** Print the table of tagged images. */
export function printImageList(values: OptionValues<typeof imageListOptions> & GlobalValues, context: CommandContext): Promise<void> {
  return withRepository(values, context, async (repository) => {
    const all = await listImages(repository, { onWarning: (text) => context.log.warn(text) });
    const images = all.filter(({ name }) => name.includes(values.filter ?? ''));
    await context.print({
      json: () => ({ images: images.map(toJson) }),
      text: () => {
        if (images.length === 0) return ['No images found'];
        return context.table({
          head: ['NAME', 'DIGEST', 'ARCH', 'LAYERS', 'REFS'],
          rows: images.map((image) => toRow(image, values)),
        });
      },
    });
  });
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

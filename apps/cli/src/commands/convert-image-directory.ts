import { resolve } from 'node:path';
import { defineCommand, UsageError, type Command, type CommandContext, type GlobalValues, type OptionValues } from '@cfskit/cli-kit';
import { platformOption, readPlatform } from '@cfskit/cli-kit/images';
import { openImageDirectory } from '@cfskit/render';
import { convertImage, openDestination } from '../convert/convert-image.ts';
import { destination, type DestinationKind } from '../convert/destination.ts';
import { convertDefaults, mksquashfsOption } from '../convert/options.ts';
import { printConverted } from '../convert/print-converted.ts';

const DETAILS =
  'The command of ocirender of this name; convert can do more. DIR is an OCI layout or an unpacked archive of docker save; of several images --platform chooses one.';

const options = {
  image: { type: 'string', value: 'DIR', description: 'Directory of the image; must be given' },
  output: { type: 'string', value: 'PATH', description: 'What to write; must be given' },
  ...platformOption,
} as const;

type Values = OptionValues<typeof options> & GlobalValues & { readonly mksquashfs?: string | undefined };

export const convertSquashfs: Command = defineCommand({
  summary: 'Make a squashfs image of the image in a directory',
  details: DETAILS,
  options: { ...options, ...mksquashfsOption },
  examples: [
    ['convert-squashfs --image layout --output app.squashfs', 'an image file, with mksquashfs'],
    ['convert-squashfs --image layout --output app.squashfs --mksquashfs ./mksquashfs', 'with this program'],
  ],
  run: ({ values }, context) => convertDirectory('squashfs', values, context),
});

export const convertTar: Command = defineCommand({
  summary: 'Make a tar of the image in a directory',
  details: DETAILS,
  options,
  examples: [
    ['convert-tar --image layout --output app.tar', 'one tar of all layers'],
    ['convert-tar --image unpacked --output - --platform linux/arm64', 'to standard output'],
  ],
  run: ({ values }, context) => convertDirectory('tar', values, context),
});

export const convertDir: Command = defineCommand({
  summary: 'Unpack the image in a directory',
  details: DETAILS,
  options,
  examples: [
    ['convert-dir --image layout --output root', 'the tree of all layers'],
    ['convert-dir --image layout --output root --platform linux/arm64', 'that of another machine'],
  ],
  run: ({ values }, context) => convertDirectory('dir', values, context),
});

async function convertDirectory(kind: DestinationKind, values: Values, context: CommandContext): Promise<void> {
  const { image: directory, output } = values;
  if (directory === undefined || directory === '') throw new UsageError('missing --image DIR');
  if (output === undefined || output === '') throw new UsageError('missing --output PATH');
  const { cwd } = context.world;
  const platform = readPlatform(values.platform);
  const to = destination(kind, output, cwd);
  const place = openDestination(to, context);
  const image = await openImageDirectory(resolve(cwd, directory), platform === undefined ? {} : { platform });
  await printConverted(await convertImage({ image }, to, place, { ...convertDefaults(), ...values }, context), to, context);
}

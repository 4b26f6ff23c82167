import { defineCommand, UsageError, type Command } from '@cfskit/cli-kit';
import { accessOptions, platformOption, seedOptions, withRepository } from '@cfskit/cli-kit/images';
import { convertImage, openDestination } from '../convert/convert-image.ts';
import { convertSource } from '../convert/convert-source.ts';
import { DESTINATION_TEXT, parseDestinationPath } from '../convert/destination.ts';
import { checkOptionsFit, convertOptions } from '../convert/options.ts';
import { printConverted } from '../convert/print-converted.ts';
import { storedRenderImage } from '../convert/stored-image.ts';
import { SOURCE_TEXT } from '../image-source.ts';
import { checkImageRef } from '../image-ref.ts';

const STORED = 'stored:';

export const convert: Command = defineCommand({
  summary: 'Make a squashfs image, tar, directory, EROFS image or dumpfile of a container image',
  details:
    'Layers are merged as the image specification says; the composefs image and its dumpfile as composefs-rs does, so that their ids agree. No repository is needed, and only stored:REF opens one. Digests of all layers are checked before anything is written. The result appears complete or not at all, and an existing file stays until then; a directory keeps what was written when something fails. What this user may not set, or the result cannot hold, is counted in a warning.',
  arguments: {
    source: { name: 'SOURCE', description: `${SOURCE_TEXT}; stored:REF is an image of the repository` },
    destination: { name: 'DEST', description: DESTINATION_TEXT },
  },
  options: { ...convertOptions, ...platformOption, ...accessOptions, ...seedOptions },
  examples: [
    ['convert oci:layout:v1 squashfs:app.squashfs --reproducible', 'an image file, with mksquashfs'],
    ['convert docker://alpine:3.19 tar:- | tar -tv', 'what the layers come to'],
  ],
  exitCodes: [{ code: '1', meaning: 'failed; with tar:- or dumpfile:- also when the reader went away' }],
  run({ values, args }, context) {
    const destination = parseDestinationPath(args.destination, context.world.cwd);
    checkOptionsFit(values, destination.kind);
    if (!args.source.startsWith(STORED)) return convertSource(args.source, destination, values, context);
    if (values.platform !== undefined) throw new UsageError('--platform: a stored image is for one platform');
    const name = args.source.slice(STORED.length);
    checkImageRef(name, 'SOURCE');
    const to = openDestination(destination, context);
    return withRepository(values, context, async (repository) => {
      const image = await storedRenderImage(repository, name);
      await printConverted(await convertImage({ image }, destination, to, values, context), destination, context);
    });
  },
});

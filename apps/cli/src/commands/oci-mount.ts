import { defineCommand, type Command } from '@cfskit/cli-kit';
import { withRepository } from '@cfskit/cli-kit/images';
import { findMountableImage } from '@cfskit/oci-import';
import { requestedFormat } from '../image-id.ts';
import { checkImageRef, IMAGE_REF_TEXT } from '../image-ref.ts';
import { checkMountValues, mountOptions, mountStored } from '../mount-stored.ts';

export const ociMount: Command = defineCommand({
  summary: 'Mount the EROFS image of a stored image',
  details:
    'As mount does, with the image that is linked in the format of the repository, or of --erofs-version. With --sealed it is the one whose id the config states in its label; a config without, or one that states another image, is refused.',
  arguments: {
    image: { name: 'REF', description: IMAGE_REF_TEXT },
    directory: { name: 'DIR', description: 'Directory to mount it on' },
  },
  options: {
    ...mountOptions,
    sealed: { type: 'boolean', description: 'Refuse an image that does not state in a label which EROFS image it is' },
  },
  examples: [
    ['oci mount demo /mnt', 'read-only'],
    ['oci mount --sealed --dry-run demo /mnt', 'what would be done, after the label was checked'],
  ],
  run({ values, args }, context) {
    checkImageRef(args.image);
    checkMountValues(values);
    return withRepository(values, context, async (repository) => {
      const format = requestedFormat(values);
      const { sealed } = values;
      const { imageId } = await findMountableImage(repository, args.image, { sealed, ...(format !== undefined && { format }) });
      await mountStored(repository, imageId, args.directory, values, context);
    });
  },
});

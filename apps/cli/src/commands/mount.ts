import { defineCommand, type Command } from '@cfskit/cli-kit';
import { withRepository } from '@cfskit/cli-kit/images';
import { findImageName, IMAGE_NAME_TEXT, parseImageName } from '../image-name.ts';
import { checkMountValues, mountOptions, mountStored } from '../mount-stored.ts';

export const mount: Command = defineCommand({
  summary: 'Mount a stored image',
  details:
    'The kernel does it, which needs root. The image is compared with its id first, also when it is named by a reference. In a secure repository the kernel then opens no file that has not the fs-verity digest that the image names.',
  arguments: {
    image: { name: 'NAME', description: IMAGE_NAME_TEXT },
    directory: { name: 'DIR', description: 'Directory to mount it on' },
  },
  options: mountOptions,
  examples: [
    ['mount refs/my-image /mnt', 'read-only'],
    ['mount --upperdir up --workdir work --read-write refs/my-image /mnt', 'with changes in up'],
  ],
  run({ values, args }, context) {
    const name = parseImageName(args.image, 'NAME');
    checkMountValues(values);
    return withRepository(values, context, (repository) =>
      mountStored(repository, findImageName(repository, name), args.directory, values, context),
    );
  },
});

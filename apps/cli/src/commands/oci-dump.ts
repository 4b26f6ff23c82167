import { defineCommand, type Command } from '@cfskit/cli-kit';
import { withRepository } from '@cfskit/cli-kit/images';
import { writeDumpfile } from '@cfskit/fs-tree';
import { buildImageTree, openImage } from '@cfskit/oci-import';
import { xattrsOption } from '../fs-options.ts';
import { checkImageRef, IMAGE_REF_TEXT } from '../image-ref.ts';

export const ociDump: Command = defineCommand({
  summary: 'Print the file system of a stored image as a composefs dumpfile',
  details: 'The layers are merged, and the tree is that of the EROFS image, whether or not one is linked. No file is read.',
  arguments: { image: { name: 'REF', description: IMAGE_REF_TEXT } },
  options: {
    xattrs: xattrsOption,
    output: { type: 'string', short: 'o', value: 'FILE', description: 'Write to FILE instead of standard output' },
  },
  examples: [
    ['oci dump demo', 'a line for each file'],
    ['dump --xattrs keep-user-xattrs -o demo.dump demo', 'with attributes of users, into a file'],
  ],
  json: false,
  run({ values, args }, context) {
    checkImageRef(args.image);
    const target = context.dataTarget(values.output, { binary: false });
    return withRepository(values, context, async (repository) => {
      const { signal } = context;
      const image = await openImage(repository, args.image);
      await target.write(writeDumpfile(await buildImageTree(repository, image, { xattrs: values.xattrs, signal })));
    });
  },
});

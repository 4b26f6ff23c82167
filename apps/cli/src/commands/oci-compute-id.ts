import { defineCommand, type Command } from '@cfskit/cli-kit';
import { withRepository } from '@cfskit/cli-kit/images';
import type { Directory } from '@cfskit/fs-tree';
import type { Algorithm } from '@cfskit/fs-verity';
import { buildImageTree, convertObjectIds, openImage } from '@cfskit/oci-import';
import { effectiveFormats } from '@cfskit/repository';
import { xattrsOption } from '../fs-options.ts';
import { candidateIds, computeImageId, explainOption, printCandidates, printImageId, requestedFormat } from '../image-id.ts';
import { checkImageRef, IMAGE_REF_TEXT } from '../image-ref.ts';

export const ociComputeId: Command = defineCommand({
  summary: 'Print the id that the EROFS image of a stored image has, without storing anything',
  details:
    'The image is computed from the layers, whether or not one is linked. The format is that of --erofs-version, else that of the repository. With --explain the files are read, to know their ids under the other algorithm.',
  arguments: { image: { name: 'REF', description: IMAGE_REF_TEXT } },
  options: { xattrs: xattrsOption, ...explainOption },
  examples: [
    ['oci compute-id demo', 'what oci create-image gives'],
    ['oci compute-id --explain demo', 'all ids that it could have'],
  ],
  run({ values, args }, context) {
    checkImageRef(args.image);
    return withRepository(values, context, async (repository) => {
      const { signal } = context;
      const image = await openImage(repository, args.image);
      if (values.explain) {
        const readTree = async (algorithm: Algorithm): Promise<Directory> => {
          const root = await buildImageTree(repository, image, { xattrs: 'keep-user-xattrs', signal });
          await convertObjectIds(repository, root, algorithm, { signal });
          return root;
        };
        return printCandidates(await candidateIds(readTree, true), context);
      }
      const { algorithm, metadata } = repository;
      const { xattrs } = values;
      const format = requestedFormat(values) ?? effectiveFormats(metadata).default;
      const imageId = computeImageId(await buildImageTree(repository, image, { xattrs, signal }), format, algorithm);
      return printImageId({ imageId, format, algorithm, xattrs }, context);
    });
  },
});

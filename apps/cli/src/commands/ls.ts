import { defineCommand, UsageError, type Command } from '@cfskit/cli-kit';
import { withRepositoryIfAny } from '@cfskit/cli-kit/images';
import { joinPath, lookup, splitPath } from '@cfskit/fs-tree';
import { imagePath } from '../image-path.ts';
import { listingOptions, printListing } from '../listed-entry.ts';
import { openSubject } from '../subject.ts';
import { checkSubjectName, REF_TEXT } from '../subject-place.ts';
import { listNode } from '../tree-entry.ts';
import { imageListOptions, printImageList } from './oci-images.ts';

export const ls: Command = defineCommand({
  summary: 'List a directory of an image; without REF, the tagged OCI images as oci images does',
  details:
    'Reads the image itself: nothing is mounted, no privileges are needed. Of an OCI image it shows what its EROFS image holds. Names are in byte order; a backslash is doubled, control characters and bytes that are no UTF-8 are escaped; -0 prints names as they are. Symbolic links are not followed.',
  arguments: {
    image: { name: 'REF', description: REF_TEXT, optional: true },
    path: { name: 'PATH', description: 'Path in the image (default: /)', optional: true },
  },
  options: {
    ...listingOptions,
    recursive: { type: 'boolean', short: 'R', description: 'Everything below, with whole paths' },
    ...imageListOptions,
  },
  examples: [
    ['ls -l my-image /usr/bin', 'a directory of an image'],
    ['ls', 'a table of all OCI images'],
  ],
  run({ values, args }, context) {
    const { image, path = '/' } = args;
    if (image === undefined) {
      if (values.long || values.null || values.recursive) throw new UsageError('-l, -R and -0 need a REF');
      return printImageList(values, context);
    }
    if (values.filter !== undefined || values['no-trunc'] || values.digests)
      throw new UsageError('--filter, --no-trunc and --digests are for the list of images, without REF');
    checkSubjectName(image);
    return withRepositoryIfAny(values, context, async (repository) => {
      const { root } = await openSubject(image, repository, context);
      const names = joinPath(splitPath(imagePath(path)));
      await printListing(listNode(names, lookup(root, names), values.recursive), values, context);
    });
  },
});

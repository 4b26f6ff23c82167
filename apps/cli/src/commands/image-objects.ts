import { defineCommand, type Command } from '@cfskit/cli-kit';
import { withRepository } from '@cfskit/cli-kit/images';
import { readObjectIds } from '@cfskit/erofs';
import { formatObjectId } from '@cfskit/fs-verity';
import { findImageName, IMAGE_NAME_TEXT, parseImageName } from '../image-name.ts';
import { mapItems } from '../map-items.ts';

export const imageObjects: Command = defineCommand({
  summary: 'List the objects that an image refers to',
  arguments: { image: { name: 'NAME', description: IMAGE_NAME_TEXT } },
  examples: [
    ['image-objects refs/my-image', 'algorithm:hex, sorted'],
    ['image-objects --json 4b1f0c2d9e88', 'the same for programs'],
  ],
  run({ values, args }, context) {
    const name = parseImageName(args.image, 'NAME');
    return withRepository(values, context, async (repository) => {
      const { bytes } = repository.readImage(findImageName(repository, name));
      const ids = [...readObjectIds(bytes, repository.algorithm)].toSorted();
      await context.print({ json: () => ({ object_ids: ids.values() }), text: () => mapItems(ids, formatObjectId) });
    });
  },
});

import { defineCommand, type Command } from '@cfskit/cli-kit';
import { readValue, withWritableRepository } from '@cfskit/cli-kit/images';
import { formatObjectId } from '@cfskit/fs-verity';
import { createImages, type CreatedImages } from '@cfskit/oci-import';
import { checkRefName } from '@cfskit/repository';
import { xattrsOption } from '../fs-options.ts';
import { requestedFormat } from '../image-id.ts';
import { checkImageRef, IMAGE_REF_TEXT } from '../image-ref.ts';

export const ociCreateImage: Command = defineCommand({
  summary: 'Build the EROFS image of a stored image, again if there is one, and link it',
  details:
    'For images that were pulled with --no-image or by a program that builds none, and to have another format or other extended attributes. The images that are made take the place of those that were linked. Without NAME they are kept by the tags of REF.',
  arguments: {
    image: { name: 'REF', description: IMAGE_REF_TEXT },
    name: { name: 'NAME', description: 'Name of the EROFS image below images/refs', optional: true },
  },
  options: {
    xattrs: xattrsOption,
    'all-formats': { type: 'boolean', description: 'Build images of formats 1 and 2', conflicts: ['erofs-version'] },
  },
  examples: [
    ['oci create-image demo', 'in the formats that the repository makes'],
    ['oci create-image --erofs-version 2 demo demo-v2', 'of format 2, also kept as refs/demo-v2'],
  ],
  run({ values, args: { image, name } }, context) {
    checkImageRef(image);
    if (name !== undefined) readValue('NAME', () => checkRefName(name));
    const format = requestedFormat(values);
    const formats = values['all-formats'] ? ([1, 2] as const) : format === undefined ? undefined : [format];
    return withWritableRepository(values, context, async (repository) => {
      const { xattrs } = values;
      const created = await createImages(repository, image, {
        xattrs,
        ...(formats !== undefined && { formats }),
        ...(name !== undefined && { name }),
        signal: context.signal,
      });
      await context.print({ json: () => toJson(created, name), text: () => [formatObjectId(created.imageId)] });
    });
  },
});

function toJson({ imageId, images, manifestDigest, manifestVerity, configDigest, configVerity }: CreatedImages, name?: string): unknown {
  return {
    image_id: imageId,
    ...(name !== undefined && { name }),
    images: images.map(({ format, id }) => ({ format, image_id: id })),
    manifest_digest: manifestDigest,
    manifest_verity: manifestVerity,
    config_digest: configDigest,
    config_verity: configVerity,
  };
}

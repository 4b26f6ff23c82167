import { defineCommand, printable, type Command } from '@cfskit/cli-kit';
import { readValue, withWritableRepository } from '@cfskit/cli-kit/images';
import { openImage, tagImage } from '@cfskit/oci-import';
import { checkTagName } from '@cfskit/oci-ref';
import { checkImageRef, IMAGE_REF_TEXT } from '../image-ref.ts';

export const ociTag: Command = defineCommand({
  summary: 'Give a stored image a tag, which keeps it from being collected',
  details: 'A tag that exists is moved.',
  arguments: {
    image: { name: 'REF', description: IMAGE_REF_TEXT },
    name: { name: 'NAME', description: 'The tag: any text that does not begin with @ and is no digest' },
  },
  options: { 'no-clobber': { type: 'boolean', description: 'Fail when the tag exists' } },
  examples: [
    ['tag demo demo:stable', 'a second name'],
    ['tag --no-clobber sha256:9f2c… release-1', 'a name that must be new'],
  ],
  run({ values, args }, context) {
    checkImageRef(args.image);
    readValue('NAME', () => checkTagName(args.name));
    return withWritableRepository(values, context, async (repository) => {
      const { manifestDigest } = await openImage(repository, args.image);
      await tagImage(repository, manifestDigest, args.name, { noClobber: values['no-clobber'] });
      await context.print({
        json: () => ({ manifest_digest: manifestDigest, name: args.name }),
        text: () => [`Tagged ${manifestDigest} as ${printable(args.name)}`],
      });
    });
  },
});

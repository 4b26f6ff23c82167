import { defineCommand, printable, type Command } from '@cfskit/cli-kit';
import { withRepository } from '@cfskit/cli-kit/images';
import { compareUtf8 } from '@cfskit/binary';
import type { Repository } from '@cfskit/repository';
import { shortHex } from '../short-digest.ts';

export const images: Command = defineCommand({
  summary: 'List the EROFS images that have a name',
  details: 'These are the images below images/refs of the repository. OCI images with their tags are listed by "oci images".',
  options: { 'no-trunc': { type: 'boolean', description: 'Show whole digests instead of their first 12 hex digits' } },
  examples: [
    ['images', 'a table of names and digests'],
    ['images --json', 'the same for programs, with whole digests'],
  ],
  run: ({ values }, context) =>
    withRepository(values, context, async (repository) => {
      const named = namedImages(repository);
      await context.print({
        json: () => ({ images: named }),
        text: () => {
          if (named.length === 0) return ['No images found'];
          const rows = named.map(({ name, digest }) => [printable(name), shortHex(digest, values['no-trunc'])]);
          return context.table({ head: ['NAME', 'DIGEST'], rows });
        },
      });
    }),
});

function namedImages(repository: Repository): { name: string; digest: string }[] {
  const named = repository.images().flatMap(({ id, refs }) => refs.map((name) => ({ name, digest: id })));
  return named.toSorted((a, b) => compareUtf8(a.name, b.name));
}

import { defineCommand, printable, UsageError, type Command } from '@cfskit/cli-kit';
import { withWritableRepository } from '@cfskit/cli-kit/images';
import { listTags, untagImage } from '@cfskit/oci-import';

export const ociUntag: Command = defineCommand({
  summary: 'Remove tags',
  details: 'What they stood for stays until the next gc. When one of them does not exist, none is removed.',
  arguments: { names: { name: 'NAME', description: 'A tag', variadic: true } },
  examples: [
    ['untag demo', 'remove one'],
    ['untag demo:1 demo:2 --json', 'remove two'],
  ],
  run({ values, args }, context) {
    if (args.names.includes('')) throw new UsageError('NAME: a name is empty');
    return withWritableRepository(values, context, async (repository) => {
      const tags = new Set(listTags(repository).map((tag) => tag.name));
      const names = [...new Set(args.names)];
      const missingFirst = [...names.filter((name) => !tags.has(name)), ...names.filter((name) => tags.has(name))];
      for (const name of missingFirst) await untagImage(repository, name);
      await context.print({ json: () => ({ removed: names }), text: () => names.map((name) => `Removed tag ${printable(name)}`) });
    });
  },
});

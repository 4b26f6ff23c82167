import { defineCommand, type Command } from '@cfskit/cli-kit';
import { withRepository } from '@cfskit/cli-kit/images';
import { parseObjectNames, resolveObject } from '../object-name.ts';

export const objectPath: Command = defineCommand({
  summary: 'Print the path of the file that holds each object',
  arguments: {
    ids: { name: 'ID', description: 'Object: full hex, algorithm:hex, xx/rest, or its first 12 hex digits or more', variadic: true },
  },
  examples: [
    ['object path 4b/1f…', 'where it is'],
    ['object path --json sha512:4b1f…', 'the same for programs'],
  ],
  run({ values, args }, context) {
    const names = parseObjectNames(args.ids);
    return withRepository(values, context, async (repository) => {
      const ids = await Promise.all(names.map((name) => resolveObject(repository, name)));
      const objects = ids.map((id) => ({ id, path: repository.objects.pathOf(id) }));
      await context.print({ json: () => ({ objects }), text: () => objects.map(({ path }) => path) });
    });
  },
});

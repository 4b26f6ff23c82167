import { defineCommand, type Command } from '@cfskit/cli-kit';
import { withRepository } from '@cfskit/cli-kit/images';
import type { ObjectId } from '@cfskit/fs-verity';
import type { Repository } from '@cfskit/repository';
import { parseObjectNames, resolveObject } from '../object-name.ts';

export const objectCat: Command = defineCommand({
  summary: 'Print the content of objects, checked while it is read',
  arguments: {
    ids: { name: 'ID', description: 'Object: full hex, algorithm:hex, xx/rest, or its first 12 hex digits or more', variadic: true },
  },
  options: { output: { type: 'string', short: 'o', value: 'FILE', description: 'Write to FILE instead of standard output' } },
  examples: [
    ['object cat 4b1f… > file', 'one object'],
    ['object cat -o both 4b1f… 77c0…', 'two, one behind the other, in a file that appears when complete'],
  ],
  exitCodes: [{ code: '1', meaning: 'failed, for instance because an object is not what its id says' }],
  json: false,
  run({ values, args }, context) {
    const target = context.dataTarget(values.output, { binary: true });
    const names = parseObjectNames(args.ids);
    return withRepository(values, context, async (repository) => {
      const ids = await Promise.all(names.map((name) => resolveObject(repository, name)));
      await target.write(contents(repository, ids, context.signal));
    });
  },
});

async function* contents(repository: Repository, ids: readonly ObjectId[], signal: AbortSignal): AsyncGenerator<Uint8Array, void> {
  for (const id of ids) yield* repository.objects.open(id, { verify: true, signal });
}

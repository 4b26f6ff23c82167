import { CliError, defineCommand, type Command, type CommandContext } from '@cfskit/cli-kit';
import { withRepository } from '@cfskit/cli-kit/images';
import type { ObjectId } from '@cfskit/fs-verity';
import type { Repository } from '@cfskit/repository';
import { parseObjectNames, resolveObject } from '../object-name.ts';
import { findUsers } from '../stream-users.ts';

interface ObjectStat {
  readonly id: ObjectId;
  readonly size: number;
  readonly verity: boolean;
  readonly nlink: number;
  readonly referenced_by?: readonly string[];
}

export const objectStat: Command = defineCommand({
  summary: 'Tell the size of objects, whether they have fs-verity, and how many links',
  arguments: {
    ids: { name: 'ID', description: 'Object: full hex, algorithm:hex, xx/rest, or its first 12 hex digits or more', variadic: true },
  },
  options: { refs: { type: 'boolean', description: 'Also tell which streams and images refer to them; reads every stream' } },
  examples: [
    ['object stat 4b1f…', 'id, size, verity and links'],
    ['object stat --refs --json 4b1f…', 'who needs it'],
  ],
  run({ values, args }, context) {
    const names = parseObjectNames(args.ids);
    return withRepository(values, context, async (repository) => {
      const ids = await Promise.all(names.map((name) => resolveObject(repository, name)));
      const plain = ids.map((id) => statOf(repository, id));
      const objects = values.refs ? await withUsers(plain, repository, context) : plain;
      await context.print({ json: () => ({ objects }), text: () => toText(objects, context) });
    });
  },
});

function statOf({ objects }: Repository, id: ObjectId): ObjectStat {
  const stat = objects.statSync(id);
  if (stat === undefined) throw new CliError('NOT_FOUND', `no object ${id}`);
  return { id, size: stat.size, verity: stat.verity !== undefined, nlink: stat.linkCount };
}

async function withUsers(objects: readonly ObjectStat[], repository: Repository, { log }: CommandContext): Promise<ObjectStat[]> {
  const ids = objects.map(({ id }) => id);
  const users = await findUsers(repository, ids, (name, error) =>
    log.warn(`streams/${name}: ${error instanceof Error ? error.message : String(error)}`),
  );
  return objects.map((object) => ({ ...object, referenced_by: users.get(object.id) ?? [] }));
}

async function toText(objects: readonly ObjectStat[], context: CommandContext): Promise<string[]> {
  const rows = objects.map(({ id, size, verity, nlink }) => [id, String(size), verity ? 'yes' : 'no', String(nlink)]);
  const users = objects.flatMap(({ id, referenced_by: names }) => (names ?? []).map((name) => [id, name]));
  const table = await context.table({ head: ['ID', 'SIZE', 'VERITY', 'LINKS'], rows });
  return users.length === 0 ? table : [...table, ...(await context.table({ head: ['ID', 'REFERENCED BY'], rows: users }))];
}

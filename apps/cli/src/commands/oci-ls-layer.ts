import { batchLines, defineCommand, printableName, type Command, type CommandContext } from '@cfskit/cli-kit';
import { listLayer, resolveLayer } from '@cfskit/oci-import';
import type { TarEntry } from '@cfskit/tar-split';
import { entryColumns, entryJson, entryPath, linkTarget } from '../layer-entry.ts';
import { checkLayerName, DIFF_ID_TEXT } from '../layer-name.ts';
import { withRepository } from '../open-repository.ts';

export const ociLsLayer: Command = defineCommand({
  summary: 'List the entries of a stored layer in the order of its tar',
  details:
    'One path a line. A backslash is doubled, control characters and bytes that are no UTF-8 are escaped; -0 prints names as they are. Whiteouts keep their names (.wh.…); -l marks them with w and opaque markers with o.',
  arguments: { layer: { name: 'DIFF_ID', description: DIFF_ID_TEXT } },
  options: {
    long: { type: 'boolean', short: 'l', description: 'Also mode, owner, size and time' },
    null: { type: 'boolean', short: '0', description: 'Names as they are, each ended by a NUL', conflicts: ['long', 'json'] },
  },
  examples: [
    ['ls-layer -l sha256:9de7…', 'like tar -tv'],
    ['ls-layer -0 sha256:9de7… | xargs -0 …', 'names for programs'],
  ],
  run({ values, args }, context) {
    checkLayerName(args.layer);
    return withRepository(values, context, async (repository) => {
      const entries = listLayer(repository, resolveLayer(repository, args.layer));
      await printEntries(entries, values, context);
    });
  },
});

async function printEntries(
  entries: AsyncIterable<TarEntry>,
  values: { long: boolean; null: boolean },
  context: CommandContext,
): Promise<void> {
  if (values.null) return context.printRaw(rawNames(entries));
  return context.print({
    json: async () => ({ entries: (await Array.fromAsync(entries)).map(entryJson) }),
    text: () => lines(entries, values.long),
  });
}

async function* lines(entries: AsyncIterable<TarEntry>, long: boolean): AsyncGenerator<string, void> {
  for await (const entry of entries) {
    const path = printableName(entryPath(entry));
    const target = linkTarget(entry);
    yield long ? `${entryColumns(entry)} ${path}${target === undefined ? '' : ` -> ${target}`}` : path;
  }
}

async function* rawNames(entries: AsyncIterable<TarEntry>): AsyncGenerator<Uint8Array, void> {
  for await (const text of batchLines(latin1Paths(entries), '\0')) yield Buffer.from(text, 'latin1');
}

async function* latin1Paths(entries: AsyncIterable<TarEntry>): AsyncGenerator<string, void> {
  for await (const entry of entries) yield Buffer.from(entryPath(entry)).toString('latin1');
}

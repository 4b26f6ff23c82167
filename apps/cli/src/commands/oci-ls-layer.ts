import { defineCommand, type Command } from '@cfskit/cli-kit';
import { withRepository } from '@cfskit/cli-kit/images';
import { listLayer, resolveLayer } from '@cfskit/oci-import';
import type { TarEntry } from '@cfskit/tar-split';
import { listLayerEntry } from '../layer-entry.ts';
import { checkLayerName, DIFF_ID_TEXT } from '../layer-name.ts';
import { listingOptions, printListing, type ListedEntry } from '../listed-entry.ts';

export const ociLsLayer: Command = defineCommand({
  summary: 'List the entries of a stored layer in the order of its tar',
  details:
    'One path a line. A backslash is doubled, control characters and bytes that are no UTF-8 are escaped; -0 prints names as they are. Whiteouts keep their names (.wh.…); -l marks them with w and opaque markers with o.',
  arguments: { layer: { name: 'DIFF_ID', description: DIFF_ID_TEXT } },
  options: listingOptions,
  examples: [
    ['ls-layer -l sha256:9de7…', 'like tar -tv'],
    ['ls-layer -0 sha256:9de7… | xargs -0 …', 'names for programs'],
  ],
  run({ values, args }, context) {
    checkLayerName(args.layer);
    return withRepository(values, context, async (repository) => {
      const entries = listLayer(repository, resolveLayer(repository, args.layer));
      await printListing(listed(entries), values, context);
    });
  },
});

async function* listed(entries: AsyncIterable<TarEntry>): AsyncGenerator<ListedEntry, void> {
  for await (const entry of entries) yield listLayerEntry(entry);
}

import { defineCommand, type Command } from '@cfskit/cli-kit';
import { withRepository } from '@cfskit/cli-kit/images';
import { listLayer, resolveLayer } from '@cfskit/oci-import';
import { listLayerEntry } from '../layer-entry.ts';
import { checkLayerName, DIFF_ID_TEXT } from '../layer-name.ts';
import { listingOptions, printListing } from '../listed-entry.ts';
import { mapItems } from '../map-items.ts';

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
      await printListing(mapItems(entries, listLayerEntry), values, context);
    });
  },
});

import { batchLines, defineCommand, UsageError, type Command, type CommandContext } from '@cfskit/cli-kit';
import { withRepository } from '@cfskit/cli-kit/images';
import { encode } from '@cfskit/compression';
import { dumpLayer, layerInfo, layerTar, resolveLayer } from '@cfskit/oci-import';
import type { Repository } from '@cfskit/repository';
import { checkLayerName, DIFF_ID_TEXT } from '../layer-name.ts';

interface LayerValues {
  readonly json: boolean;
  readonly dumpfile: boolean;
  readonly compress: 'gzip' | 'zstd' | undefined;
  readonly output: string | undefined;
}

export const ociLayer: Command = defineCommand({
  summary: 'Print the tar of a stored layer, byte for byte as it was',
  details:
    'It is hashed on the way: if it is no longer what its diff_id says, the exit code is 1 and no FILE appears. With --json, numbers about the layer are printed instead.',
  arguments: { layer: { name: 'DIFF_ID', description: DIFF_ID_TEXT } },
  options: {
    output: { type: 'string', short: 'o', value: 'FILE', description: 'Write to FILE instead of standard output' },
    dumpfile: { type: 'boolean', description: 'A composefs dump line for each entry instead of the tar', conflicts: ['compress', 'json'] },
    compress: { type: 'string', value: 'FORMAT', choices: ['gzip', 'zstd'], description: 'Compress the tar: gzip or zstd' },
  },
  examples: [
    ['layer sha256:9de7… | tar -tv', 'what the layer holds'],
    ['layer sha256:9de7… --compress zstd -o layer.tar.zst', 'a file that appears when it is complete'],
  ],
  exitCodes: [{ code: '1', meaning: 'failed, for instance because the layer no longer hashes to its diff_id' }],
  run({ values, args }, context) {
    const infoOnly = values.json && values.output === undefined;
    if (infoOnly && values.compress !== undefined) throw new UsageError('--json without -o FILE prints no data to compress');
    const target = infoOnly ? undefined : context.dataTarget(values.output, { binary: !values.dumpfile });
    checkLayerName(args.layer);
    return withRepository(values, context, async (repository) => {
      const diffId = resolveLayer(repository, args.layer);
      await target?.write(layerData(repository, diffId, values, context));
      if (!values.json) return;
      const info = await layerInfo(repository, diffId);
      await context.print({ json: () => info, text: () => [] });
    });
  },
});

function layerData(
  repository: Repository,
  diffId: string,
  { dumpfile, compress }: LayerValues,
  { signal }: CommandContext,
): AsyncIterable<Uint8Array | string> {
  if (dumpfile) return batchLines(dumpLayer(repository, diffId));
  const tar = layerTar(repository, diffId, { signal });
  return compress === undefined ? tar : encode(tar, { format: compress, signal });
}

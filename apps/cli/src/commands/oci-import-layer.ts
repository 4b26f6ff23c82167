import { defineCommand, type Command } from '@cfskit/cli-kit';
import { readValue, withWritableRepository } from '@cfskit/cli-kit/images';
import { formatObjectId } from '@cfskit/fs-verity';
import { importLayer } from '@cfskit/oci-import';
import { digestAlgorithm } from '@cfskit/oci-spec';
import { checkRefName } from '@cfskit/repository';
import { inputData, inputOption } from '../input-data.ts';

export const ociImportLayer: Command = defineCommand({
  summary: 'Store a layer from a tar, plain or compressed with gzip or zstd',
  details: 'Reads standard input, or FILE. Content that does not hash to DIFF_ID is refused. A layer that is there is not read again.',
  arguments: {
    diffId: { name: 'DIFF_ID', description: 'Digest of the uncompressed tar, sha256:…' },
    name: { name: 'NAME', description: 'Name below streams/refs that keeps the layer from being collected', optional: true },
  },
  options: inputOption,
  examples: [
    ['import-layer sha256:9de7… < layer.tar', 'without a name'],
    ['import-layer -i layer.tar.gz sha256:9de7… base', 'kept as refs/base'],
  ],
  run({ values, args }, context) {
    const diffId = args.diffId.replace(/^@/, '');
    readValue('DIFF_ID', () => digestAlgorithm(diffId));
    const { name } = args;
    if (name !== undefined) readValue('NAME', () => checkRefName(name));
    const source = inputData(values.input, 'a tar', context);
    return withWritableRepository(values, context, async (repository) => {
      const { verity } = await importLayer(repository, diffId, source, {
        ...(name !== undefined && { name }),
        reporter: context.reporter,
        signal: context.signal,
      });
      const objectId = formatObjectId(verity);
      await context.print({
        json: () => ({ diff_id: diffId, verity, object_id: objectId, ...(name !== undefined && { name }) }),
        text: () => [objectId],
      });
    });
  },
});

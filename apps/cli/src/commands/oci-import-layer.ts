import { createReadStream } from 'node:fs';
import { resolve } from 'node:path';
import { defineCommand, UsageError, type Command, type CommandContext } from '@cfskit/cli-kit';
import { formatObjectId } from '@cfskit/fs-verity';
import { importLayer } from '@cfskit/oci-import';
import { digestAlgorithm } from '@cfskit/oci-spec';
import { checkRefName } from '@cfskit/repository';
import { readValue } from '../bad-value.ts';
import { withWritableRepository } from '../open-repository.ts';

const READ_SIZE = 512 * 1024;

export const ociImportLayer: Command = defineCommand({
  summary: 'Store a layer from a tar, plain or compressed with gzip or zstd',
  details: 'Reads standard input, or FILE. Content that does not hash to DIFF_ID is refused. A layer that is there is not read again.',
  arguments: {
    diffId: { name: 'DIFF_ID', description: 'Digest of the uncompressed tar, sha256:…' },
    name: { name: 'NAME', description: 'Name below streams/refs that keeps the layer from being collected', optional: true },
  },
  options: { input: { type: 'string', short: 'i', value: 'FILE', description: 'Read FILE instead of standard input' } },
  examples: [
    ['import-layer sha256:9de7… < layer.tar', 'without a name'],
    ['import-layer -i layer.tar.gz sha256:9de7… base', 'kept as refs/base'],
  ],
  run({ values, args }, context) {
    const diffId = args.diffId.replace(/^@/, '');
    readValue('DIFF_ID', () => digestAlgorithm(diffId));
    const { name } = args;
    if (name !== undefined) readValue('NAME', () => checkRefName(name));
    const source = tarSource(values.input, context);
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

/** Nothing is opened before the first byte is asked for. */
function tarSource(input: string | undefined, { world, signal }: CommandContext): AsyncIterable<Uint8Array> {
  if (input !== undefined && input !== '-') return fileChunks(resolve(world.cwd, input), signal);
  if (world.stdin.isTerminal) throw new UsageError('refusing to read a tar from a terminal; use -i FILE or a pipe');
  return world.stdin.chunks(signal);
}

async function* fileChunks(path: string, signal: AbortSignal): AsyncGenerator<Uint8Array, void> {
  for await (const chunk of createReadStream(path, { highWaterMark: READ_SIZE, signal })) yield chunk as Uint8Array;
}

import { defineCommand, type Command } from '@cfskit/cli-kit';
import { RepositoryError, type Repository } from '@cfskit/repository';
import type { Splitstream } from '@cfskit/splitstream';
import { reconstruct } from '@cfskit/tar-split';
import { notFound } from '../near-names.ts';
import { withRepository } from '../open-repository.ts';
import { streamNames } from '../stream-users.ts';

export const cat: Command = defineCommand({
  summary: 'Print the data that a stream stands for, its objects checked while they are read',
  arguments: { stream: { name: 'STREAM', description: 'Content id of a stream, or refs/NAME for one with a name' } },
  options: { output: { type: 'string', short: 'o', value: 'FILE', description: 'Write to FILE instead of standard output' } },
  examples: [
    ['cat oci-layer-sha256:… | tar -t', 'what a layer holds'],
    ['cat -o manifest.json refs/oci/demo', 'the manifest that a tag names'],
  ],
  exitCodes: [{ code: '1', meaning: 'failed, for instance because an object is not what its id says' }],
  json: false,
  run({ values, args }, context) {
    const target = context.dataTarget(values.output, { binary: true });
    return withRepository(values, context, async (repository) => {
      const stream = await openStream(repository, args.stream);
      const chunks = reconstruct(stream.chunks(), (id) => repository.objects.open(id, { verify: true, signal: context.signal }));
      await target.write(chunks);
    });
  },
});

async function openStream(repository: Repository, typed: string): Promise<Splitstream> {
  const name = typed.startsWith('ref/') ? `refs/${typed.slice('ref/'.length)}` : typed;
  try {
    return await repository.openStream(name);
  } catch (error) {
    if (!(error instanceof RepositoryError) || error.code !== 'NOT_FOUND') throw error;
    const refs = repository.listRefs().map((ref) => `refs/${ref.name}`);
    throw notFound(`no stream '${typed}'`, name, [...(await streamNames(repository)), ...refs]);
  }
}

import { CliError, defineCommand, type Command, type CommandContext, type GlobalValues, type DataTarget } from '@cfskit/cli-kit';
import { readValue, withRepository, withRepositoryIfAny } from '@cfskit/cli-kit/images';
import { follow } from '@cfskit/fs-tree';
import { findTag } from '@cfskit/oci-import';
import { checkContentId, checkRefName, RepositoryError, type Repository } from '@cfskit/repository';
import type { Splitstream } from '@cfskit/splitstream';
import { reconstruct } from '@cfskit/tar-split';
import { basedirOption, ContentReader } from '../file-content.ts';
import { imagePath } from '../image-path.ts';
import { notFound } from '../near-names.ts';
import { openSubject } from '../subject.ts';
import { checkSubjectName, REF_TEXT } from '../subject-place.ts';

export const cat: Command = defineCommand({
  summary: 'Print a file of an image, or the data that a stream stands for, objects checked while they are read',
  details:
    'With PATH it is a file: the image itself is read, nothing is mounted, no privileges are needed. Symbolic links are followed inside the image. Without PATH it is a stream.',
  arguments: {
    name: { name: 'NAME', description: `With PATH: ${REF_TEXT}. Without: content id of a stream, or refs/NAME for one with a name` },
    path: { name: 'PATH', description: 'Path of a file in the image', optional: true },
  },
  options: {
    output: { type: 'string', short: 'o', value: 'FILE', description: 'Write to FILE instead of standard output' },
    ...basedirOption,
  },
  examples: [
    ['cat my-image /etc/os-release', 'a file of an image'],
    ['cat oci-layer-sha256:… | tar -t', 'what a layer holds'],
  ],
  exitCodes: [{ code: '1', meaning: 'failed, for instance because an object is not what its id says' }],
  json: false,
  run({ values, args: { name, path } }, context) {
    const target = context.dataTarget(values.output, { binary: true });
    if (path === undefined) return printStream(name, target, values, context);
    checkSubjectName(name, 'NAME');
    return withRepositoryIfAny(values, context, async (repository) => {
      const { root } = await openSubject(name, repository, context);
      const node = follow(root, imagePath(path));
      if (node.kind !== 'file') throw new CliError('UNSUPPORTED', `${path} is no file but a ${node.kind}`);
      await target.write(new ContentReader(repository, values.basedir, context).read(node.content, path));
    });
  },
});

function printStream(typed: string, target: DataTarget, values: GlobalValues, context: CommandContext): Promise<void> {
  const name = parseStreamName(typed);
  return withRepository(values, context, async (repository) => {
    const stream = await openStream(repository, name);
    const chunks = reconstruct(stream.chunks(), (id) => repository.objects.open(id, { verify: true, signal: context.signal }));
    await target.write(chunks);
  });
}

/** The name as the repository takes it: a content id, or `refs/` and the name of a reference. */
function parseStreamName(typed: string): string {
  const ref = /^refs?\/(.*)$/s.exec(typed)?.[1];
  readValue('NAME', () => (ref === undefined ? checkContentId(typed) : checkRefName(ref)));
  return ref === undefined ? typed : `refs/${ref}`;
}

async function openStream(repository: Repository, name: string): Promise<Splitstream> {
  try {
    return await repository.openStream(name);
  } catch (error) {
    if (!(error instanceof RepositoryError) || error.code !== 'NOT_FOUND') throw error;
    const refs = repository.listRefs().map((ref) => `refs/${ref.name}`);
    const hint = findTag(repository, name) === undefined ? '' : '; it is an image: a PATH behind it prints a file';
    throw notFound(`no stream '${name}'${hint}`, name, [...repository.streams().map(({ contentId }) => contentId), ...refs]);
  }
}

import { defineCommand, type Command } from '@cfskit/cli-kit';
import { lockOptions, readValue, withWritableRepository } from '@cfskit/cli-kit/images';
import { formatObjectId } from '@cfskit/fs-verity';
import type { ScanStats } from '@cfskit/fs-scan';
import { checkRefName, objectStoreModule } from '@cfskit/repository';
import { commitImages } from '../commit-images.ts';
import { fsOptions, transformTree } from '../fs-options.ts';
import { requestedFormat } from '../image-id.ts';
import { readDirectory } from '../read-directory.ts';

export const createImage: Command = defineCommand({
  summary: 'Store a directory in the repository: its files as objects, its tree as an EROFS image',
  details:
    'The directory is taken for the root of a container: the root gets the metadata of /usr, /run is emptied, and only some extended attributes are kept. Without NAME the image goes with the next gc.',
  arguments: {
    path: { name: 'PATH', description: 'The directory' },
    name: { name: 'NAME', description: 'Name of the image below images/refs', optional: true },
  },
  options: fsOptions,
  examples: [
    ['create-image ./root my-image', 'kept as refs/my-image'],
    ['create-image --erofs-version 2 --json ./root', 'an image of format 2, without a name'],
  ],
  run({ values, args: { path, name } }, context) {
    if (name !== undefined) readValue('NAME', () => checkRefName(name));
    return withWritableRepository(values, context, (repository) =>
      repository.transaction(
        async () => {
          const store = objectStoreModule(repository.objects);
          const { root, stats } = await readDirectory(path, repository.algorithm, context, { store });
          transformTree(root, values);
          context.signal.throwIfAborted();
          const [{ id }] = await commitImages(repository, root, { format: requestedFormat(values), name });
          await context.print({
            json: () => ({ image_id: id, ...(name !== undefined && { name }), stats: statsJson(stats) }),
            text: () => [formatObjectId(id)],
          });
        },
        lockOptions(values, context),
      ),
    );
  },
});

function statsJson({ directories, files, bytes, external, stored, storedBytes }: ScanStats): unknown {
  return {
    directories,
    files,
    bytes,
    objects_copied: stored,
    objects_already_present: external - stored,
    bytes_copied: storedBytes,
  };
}

import { writeImage, type FormatVersion } from '@cfskit/erofs';
import { checkTree, type Directory } from '@cfskit/fs-tree';
import type { ObjectId } from '@cfskit/fs-verity';
import { formatsToMake, type Repository } from '@cfskit/repository';

/** An image that has been stored. */
export interface CommittedImage {
  readonly format: FormatVersion;
  readonly id: ObjectId;
}

/**
 * Store the images of a tree: one in each format that the repository makes, or in the one that is asked for. Only the first gets the name.
 *
 * @returns at least one; the first is that of the default format
 * @throws {FsTreeError} {ErofsError} UNWRITABLE for a tree that images cannot hold; {RepositoryError}
 */
export async function commitImages(
  repository: Repository,
  root: Directory,
  { format, name }: { readonly format: FormatVersion | undefined; readonly name: string | undefined },
): Promise<readonly [CommittedImage, ...CommittedImage[]]> {
  checkTree(root);
  const [first, ...others] = format === undefined ? formatsToMake(repository.metadata) : [format];
  const commit = async (version: FormatVersion, ref?: string): Promise<CommittedImage> => ({
    format: version,
    id: await repository.writeImage(writeImage(root, { version }), { ref }),
  });
  const committed: [CommittedImage, ...CommittedImage[]] = [await commit(first ?? 1, name)];
  for (const version of others) committed.push(await commit(version));
  return committed;
}

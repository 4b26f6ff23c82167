import { ErofsError, writeImageInPieces } from '@cfskit/erofs';
import type { Directory } from '@cfskit/fs-tree';
import { FsVerityHasher } from '@cfskit/fs-verity';
import type { Algorithm, ObjectId } from '@cfskit/fs-verity';
import { formatsToMake } from '@cfskit/repository';
import type { ErofsFormat, Repository } from '@cfskit/repository';
import type { BuiltImage } from './image-refs.ts';
import { OciImportError } from './errors.ts';

/**
 * Stores a tree as an EROFS image in each format and names the images by their ids.
 *
 * @param formats the first is the one that counts where two would share a name; those that the repository makes unless told
 * @throws {OciImportError} IMAGE_FAILED for a tree that images cannot hold; the cause says what. {RepositoryError} READ_ONLY and those of storing
 */
export async function storeImages(
  repository: Repository,
  root: Directory,
  formats: readonly ErofsFormat[] = formatsToMake(repository.metadata),
): Promise<readonly BuiltImage[]> {
  const images: BuiltImage[] = [];
  for (const format of new Set(formats)) {
    images.push({ format, id: await repository.writeImage((write) => encodeImage(root, format, write)) });
  }
  return images;
}

/** The id that the image of a tree has. @throws {OciImportError} IMAGE_FAILED */
export function idOfImage(root: Directory, format: ErofsFormat, algorithm: Algorithm): ObjectId {
  const hasher = new FsVerityHasher(algorithm);
  encodeImage(root, format, (piece) => hasher.update(piece));
  return hasher.objectId();
}

function encodeImage(root: Directory, format: ErofsFormat, write: (piece: Uint8Array) => void): void {
  try {
    writeImageInPieces(root, write, { version: format });
  } catch (cause) {
    if (!(cause instanceof ErofsError)) throw cause;
    throw new OciImportError('IMAGE_FAILED', `The tree of the layers cannot be an image of format ${format}`, {}, { cause });
  }
}

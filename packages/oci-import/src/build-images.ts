import { writeImage } from '@cfskit/erofs';
import type { Directory } from '@cfskit/fs-tree';
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
    images.push({ format, id: await repository.writeImage(encodeImage(root, format)) });
  }
  return images;
}

/** @throws {OciImportError} IMAGE_FAILED */
export function encodeImage(root: Directory, format: ErofsFormat): Uint8Array<ArrayBuffer> {
  try {
    return writeImage(root, { version: format });
  } catch (cause) {
    throw new OciImportError('IMAGE_FAILED', `The tree of the layers cannot be an image of format ${format}`, {}, { cause });
  }
}

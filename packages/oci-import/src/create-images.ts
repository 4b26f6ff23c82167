import type { XattrMode } from '@cfskit/fs-tree';
import type { ObjectId } from '@cfskit/fs-verity';
import { checkRefName, formatsToMake } from '@cfskit/repository';
import type { ErofsFormat, Repository } from '@cfskit/repository';
import { storeImages } from './build-images.ts';
import { refsToImages } from './image-refs.ts';
import type { BuiltImage } from './image-refs.ts';
import { buildImageTree, layersOfContainer } from './image-tree.ts';
import { linkConfig } from './link-config.ts';
import { openImage, openManifest } from './stored-image.ts';
import type { StoredImage } from './stored-image.ts';

/** Which EROFS images are made of a stored image. */
export interface CreateImagesOptions {
  /** The first is the one that counts. Those that the repository makes unless told, its default first. */
  readonly formats?: readonly ErofsFormat[];
  /** Which extended attributes are kept; `allowlist-only` unless told. */
  readonly xattrs?: XattrMode;
  /** Name below `images/refs/` for the first of the images. */
  readonly name?: string;
  readonly signal?: AbortSignal;
}

/** The EROFS images of a stored image, and its streams, which refer to them now. */
export interface CreatedImages {
  readonly manifestDigest: string;
  readonly configDigest: string;
  readonly manifestVerity: ObjectId;
  readonly configVerity: ObjectId;
  /** the image of the first format */
  readonly imageId: ObjectId;
  readonly images: readonly BuiltImage[];
}

/**
 * Builds the EROFS images of a stored image, again if there are some, and links them: config and manifest refer to these, and to no others but
 * images for booting.
 *
 * @throws {OciImportError} as `openImage`; NOT_A_CONTAINER, IMAGE_FAILED, MISSING_LAYER_REF. {RepositoryError} READ_ONLY, INVALID_NAME and those
 *   of storing. The signal's reason
 */
export async function createImages(repository: Repository, reference: string, options: CreateImagesOptions = {}): Promise<CreatedImages> {
  const { name, signal } = options;
  if (name !== undefined) checkRefName(name);
  repository.ensureWritable();
  return repository.transaction(async () => linkImages(repository, await openImage(repository, reference), options), { signal });
}

/**
 * Builds and links the images of an image that has been opened; the caller is in a transaction.
 *
 * @param manifests digests of the manifests that may name its config; all stored ones unless told
 * @throws as {@link createImages}
 */
export async function linkImages(
  repository: Repository,
  image: StoredImage,
  { formats = formatsToMake(repository.metadata), name, ...treeOptions }: CreateImagesOptions,
  manifests?: readonly string[],
): Promise<CreatedImages> {
  const [first] = formats;
  if (first === undefined) throw new RangeError('wanted at least one format');
  const { manifestDigest, configDigest, configRaw: raw, configRefs } = image;
  const root = await buildImageTree(repository, image, treeOptions);
  const built = await storeImages(repository, root, formats);
  const imageId = built[0]!.id;
  if (name !== undefined) await repository.nameImage(imageId, name);
  const links = { layers: layersOfContainer(image), images: refsToImages(built, configRefs) };
  await linkConfig(repository, { digest: configDigest, raw, ...links }, manifests);
  const { manifestVerity, configVerity } = await openManifest(repository, manifestDigest);
  return { manifestDigest, configDigest, manifestVerity, configVerity, imageId, images: built };
}

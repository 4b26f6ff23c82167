import type { ObjectId } from '@cfskit/fs-verity';
import { effectiveFormats } from '@cfskit/repository';
import type { ErofsFormat, Repository } from '@cfskit/repository';
import { OciImportError } from './errors.ts';
import { linkedImage, plainImages } from './image-refs.ts';
import { SEAL_LABEL } from './seal-label.ts';
import { openImage } from './stored-image.ts';
import type { StoredImage } from './stored-image.ts';

/** Which image of a stored image is wanted. */
export interface MountableImageOptions {
  /** The repository's default unless told. No other format stands in for it. */
  readonly format?: ErofsFormat;
  /** Insist on an image whose config states the id of a linked image, and take that one. */
  readonly sealed?: boolean;
}

/** An EROFS image that can be mounted. */
export interface MountableImage {
  readonly manifestDigest: string;
  readonly imageId: ObjectId;
}

/**
 * The EROFS image of a stored image, by tag or digest.
 *
 * @throws {OciImportError} as `openImage`; NO_IMAGE if none is linked; NOT_SEALED if `sealed` and the config states no image, or one that is not linked
 */
export async function findMountableImage(
  repository: Repository,
  reference: string,
  options: MountableImageOptions = {},
): Promise<MountableImage> {
  const image = await openImage(repository, reference);
  const { format = effectiveFormats(repository.metadata).default, sealed = false } = options;
  return { manifestDigest: image.manifestDigest, imageId: sealed ? sealedImage(image) : imageOfFormat(image, format) };
}

function imageOfFormat({ manifestDigest, configRefs }: StoredImage, format: ErofsFormat): ObjectId {
  const id = linkedImage(configRefs, format);
  if (id !== undefined) return id;
  const message = `No composefs EROFS image linked — try re-pulling the image: ${manifestDigest} has none of format ${format}`;
  throw new OciImportError('NO_IMAGE', message, { manifest: manifestDigest });
}

function sealedImage({ manifestDigest: manifest, config, configRefs }: StoredImage): ObjectId {
  const label = config?.config?.Labels?.[SEAL_LABEL];
  const linked = plainImages(configRefs).map(([, id]) => id);
  const found = linked.find((id) => id === label);
  if (found !== undefined) return found;
  const reason = label === undefined ? `${manifest} has no label ${SEAL_LABEL}` : `${manifest} names ${label}, which is not its image here`;
  const context = { manifest, ...(label !== undefined && { expected: label }), ...(linked[0] !== undefined && { actual: linked[0] }) };
  throw new OciImportError('NOT_SEALED', `Can only mount sealed containers: ${reason}`, context);
}

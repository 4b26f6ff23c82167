import type { Directory } from '@cfskit/fs-tree';
import { diffIds } from '@cfskit/oci-spec';
import type { Repository } from '@cfskit/repository';
import { buildTree } from './build-tree.ts';
import type { BuildTreeOptions } from './build-tree.ts';
import { OciImportError } from './errors.ts';
import type { NamedRef } from './image-refs.ts';
import { layerRef } from './image-streams.ts';
import type { StoredImage } from './stored-image.ts';

/**
 * The file system of a stored image as it is in its EROFS image: layers applied, root and `/run` made independent of where they came from,
 * extended attributes filtered.
 *
 * Memory: 120 to 500 bytes per entry.
 *
 * @throws {OciImportError} NOT_A_CONTAINER, MISSING_LAYER_REF; IMAGE_FAILED, whose cause says which layer and entry. The signal's reason
 */
export async function buildImageTree(repository: Repository, image: StoredImage, options: BuildTreeOptions = {}): Promise<Directory> {
  const layers = layersOfContainer(image);
  try {
    return await buildTree(repository, layers, options);
  } catch (cause) {
    if (!(cause instanceof OciImportError)) throw cause;
    const { manifestDigest: manifest } = image;
    throw new OciImportError(cause.code, `Failed to build the file system of ${manifest}`, { ...cause.context, manifest }, { cause });
  }
}

/**
 * The layers of an image by their diff_ids, in the order of the config, and their streams.
 *
 * @throws {OciImportError} NOT_A_CONTAINER, MISSING_LAYER_REF. {OciSpecError} INVALID_DIGEST, UNKNOWN_ALGORITHM
 */
export function layersOfContainer({ manifestDigest: manifest, config, configRefs }: StoredImage): readonly NamedRef[] {
  if (config !== undefined) return diffIds(config).map((diffId) => [diffId, layerRef(configRefs, diffId)]);
  throw new OciImportError('NOT_A_CONTAINER', `${manifest} is an artifact, which has no file system`, { manifest });
}

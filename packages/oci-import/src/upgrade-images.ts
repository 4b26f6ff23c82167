import { formatsToMake } from '@cfskit/repository';
import type { Repository } from '@cfskit/repository';
import { linkImages } from './create-images.ts';
import type { CreateImagesOptions } from './create-images.ts';
import { linkedImage } from './image-refs.ts';
import { manifestsByConfig } from './manifests-of-config.ts';
import { openManifest } from './stored-image.ts';
import { listTags } from './tags.ts';

/** What an upgrade came to, in tags. */
export interface UpgradeResult {
  /** those whose image is linked in the format that counts */
  readonly alreadyCurrent: number;
  readonly upgraded: number;
  /** artifacts */
  readonly skippedNonContainer: number;
}

/** How images are upgraded. */
export interface UpgradeOptions extends Omit<CreateImagesOptions, 'name'> {
  /** told of each tag before its image is built */
  readonly onImage?: (tag: string) => void;
}

/**
 * Builds and links the EROFS image of every tagged image that has none in the format that counts: for repositories from before images were built
 * at pull time, and for those whose format was changed.
 *
 * @throws as `createImages`, at the first image that cannot be upgraded; those before it stay so
 */
export async function upgradeImages(repository: Repository, options: UpgradeOptions = {}): Promise<UpgradeResult> {
  repository.ensureWritable();
  const { signal } = options;
  return repository.transaction(() => upgradeAll(repository, options), { signal });
}

async function upgradeAll(repository: Repository, { onImage, ...options }: UpgradeOptions): Promise<UpgradeResult> {
  const { formats = formatsToMake(repository.metadata), signal } = options;
  const result = { alreadyCurrent: 0, upgraded: 0, skippedNonContainer: 0 };
  const manifests = await manifestsByConfig(repository);
  for (const { name, manifestDigest } of listTags(repository)) {
    signal?.throwIfAborted();
    const image = await openManifest(repository, manifestDigest);
    if (!image.isContainer) {
      result.skippedNonContainer++;
    } else if (linkedImage(image.configRefs, formats[0]!) !== undefined) {
      result.alreadyCurrent++;
    } else {
      onImage?.(name);
      await linkImages(repository, image, { ...options, formats }, manifests.get(image.configDigest) ?? []);
      result.upgraded++;
    }
  }
  return result;
}

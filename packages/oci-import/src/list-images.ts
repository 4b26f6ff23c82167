import type { Repository } from '@cfskit/repository';
import { listReferrers } from './referrers.ts';
import { openManifest } from './stored-image.ts';
import { listTags } from './tags.ts';

/** One tag, and what is to be known about its image. */
export interface ImageSummary {
  readonly name: string;
  readonly manifestDigest: string;
  readonly isContainer: boolean;
  /** empty for artifacts, like `os` */
  readonly architecture: string;
  readonly os: string;
  /** as the config says it */
  readonly created: string | undefined;
  readonly layerCount: number;
  readonly referrerCount: number;
}

/** How images are listed. */
export interface ListImagesOptions {
  /** told of each tag whose image cannot be read; it is left out */
  readonly onWarning?: (text: string) => void;
  /** the same in parts: which tag, and what was thrown */
  readonly onUnreadable?: (name: string, error: unknown) => void;
}

/** All tagged images, sorted by the bytes of their names. */
export async function listImages(repository: Repository, options: ListImagesOptions = {}): Promise<readonly ImageSummary[]> {
  const images: ImageSummary[] = [];
  for (const { name, manifestDigest } of listTags(repository)) {
    try {
      images.push({ name, ...(await summarize(repository, manifestDigest)) });
    } catch (error) {
      options.onUnreadable?.(name, error);
      options.onWarning?.(`cannot read image ${name}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  return images;
}

async function summarize(repository: Repository, manifestDigest: string): Promise<Omit<ImageSummary, 'name'>> {
  const { config, isContainer, layers } = await openManifest(repository, manifestDigest);
  return {
    manifestDigest,
    isContainer,
    architecture: config?.architecture ?? '',
    os: config?.os ?? '',
    created: config?.created,
    layerCount: layers.length,
    referrerCount: listReferrers(repository, manifestDigest).length,
  };
}

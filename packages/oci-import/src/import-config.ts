import type { ObjectId } from '@cfskit/fs-verity';
import { isImageConfig, parseImageConfig, readBlob } from '@cfskit/oci-spec';
import type { ImageConfig } from '@cfskit/oci-spec';
import { inStep } from './image-job.ts';
import type { ImageJob } from './image-job.ts';
import { imageRefs, plainImages } from './image-refs.ts';
import type { NamedRef } from './image-refs.ts';
import { configStreamName, hasRefs, writeJsonStream } from './image-streams.ts';
import type { JsonStream } from './json-stream.ts';
import { linkConfig } from './link-config.ts';
import { mendJsonStream } from './mend-json-stream.ts';

/** The config of the image being imported. */
export interface LoadedConfig {
  readonly raw: Uint8Array;
  /** absent for artifacts, whose config may be anything and is not parsed */
  readonly container: ImageConfig | undefined;
  /** the stream it has already */
  readonly stored: JsonStream | undefined;
}

/**
 * Reads the config: from the repository if it is there and sound, else from the source. Either way it hashes to its digest.
 *
 * @throws {OciImportError} CONFIG_FAILED
 */
export function loadConfig(job: ImageJob): Promise<LoadedConfig> {
  const { config } = job.manifest;
  return inStep(job, 'CONFIG_FAILED', `Failed to import config ${config.digest}`, config.digest, async () => {
    let fetched: Promise<Uint8Array> | undefined;
    const fetch = (): Promise<Uint8Array> =>
      (fetched ??= readBlob(job.source, config, job.options.signal ? { signal: job.options.signal } : {}));
    const stored = await mendJsonStream(job, configStreamName(config.digest), fetch);
    const raw = stored?.raw ?? (await fetch());
    const container = isImageConfig(config.mediaType) ? parseImageConfig(raw) : undefined;
    return { raw, container, stored };
  });
}

/**
 * Makes the config's stream, unless it is there and refers to these layers and images.
 *
 * Artifacts share configs, `{}` above all: a stream that is there stays what it is, whichever layers it names.
 *
 * @param images references to EROFS images; undefined: those that are linked stay so
 * @throws {OciImportError} CONFIG_FAILED
 */
export function storeConfig(
  job: ImageJob,
  { raw, container, stored }: LoadedConfig,
  layers: readonly NamedRef[],
  images: readonly NamedRef[] = imageRefs(stored?.namedRefs ?? new Map()),
): Promise<ObjectId> {
  const { repository } = job;
  const { digest } = job.manifest.config;
  return inStep(job, 'CONFIG_FAILED', `Failed to store config ${digest}`, digest, async () => {
    const name = configStreamName(digest);
    // An image's stream that is there and cannot be read has manifests that refer to it, with the same layers.
    const hasParents = container !== undefined && repository.hasStream(name.contentId) !== undefined;
    if (stored === undefined && !hasParents) return writeJsonStream(repository, name, raw, [...layers, ...images]);
    if (stored !== undefined && (container === undefined || isLinked(stored, layers, images))) return stored.id;
    return linkConfig(repository, { digest, raw, layers, images });
  });
}

/** Whether a config refers to all of these, and to no other image of its kind. */
function isLinked(stored: JsonStream, layers: readonly NamedRef[], images: readonly NamedRef[]): boolean {
  const wanted = new Set(images.map(([name]) => name));
  return hasRefs(stored, [...layers, ...images]) && plainImages(stored.namedRefs).every(([name]) => wanted.has(name));
}

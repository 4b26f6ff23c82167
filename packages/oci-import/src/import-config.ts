import type { ObjectId } from '@cfskit/fs-verity';
import { isImageConfig, parseImageConfig, readBlob } from '@cfskit/oci-spec';
import type { ImageConfig } from '@cfskit/oci-spec';
import { inStep } from './image-job.ts';
import type { ImageJob } from './image-job.ts';
import { configStreamName, findJsonStream, hasRefs, imageRefs, relinkManifests, writeJsonStream } from './image-streams.ts';
import type { NamedRef } from './image-streams.ts';
import type { JsonStream } from './json-stream.ts';

/** The config of the image being imported. */
export interface LoadedConfig {
  readonly raw: Uint8Array;
  /** absent for artifacts, whose config may be anything and is not parsed */
  readonly container: ImageConfig | undefined;
  /** the stream it has already */
  readonly stored: JsonStream | undefined;
}

/**
 * Reads the config: from the repository if it is there, else from the source. Either way it hashes to its digest.
 *
 * @throws {OciImportError} CONFIG_FAILED
 */
export function loadConfig(job: ImageJob): Promise<LoadedConfig> {
  const { config } = job.manifest;
  return inStep(job, 'CONFIG_FAILED', `Failed to import config ${config.digest}`, config.digest, async () => {
    const stored = await findJsonStream(job.repository, configStreamName(config.digest));
    const raw = stored?.raw ?? (await readBlob(job.source, config, job.options.signal ? { signal: job.options.signal } : {}));
    const container = isImageConfig(config.mediaType) ? parseImageConfig(raw) : undefined;
    return { raw, container, stored };
  });
}

/**
 * Makes the config's stream, unless it is there and refers to these layers. Images that it refers to stay referred to.
 *
 * Artifacts share configs, `{}` above all: a stream that is there stays what it is, whichever layers it names.
 *
 * @throws {OciImportError} CONFIG_FAILED
 */
export function storeConfig(job: ImageJob, { raw, container, stored }: LoadedConfig, layers: readonly NamedRef[]): Promise<ObjectId> {
  const { repository } = job;
  const { digest } = job.manifest.config;
  return inStep(job, 'CONFIG_FAILED', `Failed to store config ${digest}`, digest, async () => {
    if (stored !== undefined && (container === undefined || hasRefs(stored, layers))) return stored.id;
    const refs = [...layers, ...(stored === undefined ? [] : imageRefs(stored.namedRefs))];
    const id = await writeJsonStream(repository, configStreamName(digest), raw, refs);
    if (stored !== undefined) await relinkManifests(repository, digest, stored.id, id);
    return id;
  });
}

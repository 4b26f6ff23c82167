import type { ObjectId } from '@cfskit/fs-verity';
import { checkTagName, configRefName, tagRefPath } from '@cfskit/oci-ref';
import { digestAlgorithm, digestOf, parseManifest } from '@cfskit/oci-spec';
import type { ImageConfig, ImageSource, Platform, ResolvedManifest } from '@cfskit/oci-spec';
import { coalescing, nullReporter, safeReporter } from '@cfskit/progress';
import type { CompletedEvent, Reporter } from '@cfskit/progress';
import type { Repository } from '@cfskit/repository';
import { OciImportError } from './errors.ts';
import { inStep } from './image-job.ts';
import type { ImageJob, ImportImageOptions } from './image-job.ts';
import type { NamedRef } from './image-refs.ts';
import { findJsonStream, hasRefs, layerRef, manifestStreamName, writeJsonStream } from './image-streams.ts';
import { needsImages, provideImages } from './import-images.ts';
import { loadConfig, storeConfig } from './import-config.ts';
import type { LoadedConfig } from './import-config.ts';
import { importLayers } from './import-layers.ts';
import { formatImportStats } from './import-stats.ts';
import type { ImportStats } from './import-stats.ts';
import type { JsonStream } from './json-stream.ts';
import { planLayers } from './layer-plan.ts';
import { asStored } from './stored-layers.ts';
import type { LocatedLayer } from './layer-plan.ts';
import { locateLayers } from './locate-layers.ts';
import { mendJsonStream, noneIfDamaged } from './mend-json-stream.ts';
import { addReferrer } from './referrers.ts';

/** What an import left in the repository. */
export interface ImportResult {
  readonly manifestDigest: string;
  readonly configDigest: string;
  /** object id of the manifest's stream, which leads to the EROFS image if there is one */
  readonly manifestVerity: ObjectId;
  /** object id of the config's stream */
  readonly configVerity: ObjectId;
  /** false for an artifact */
  readonly isContainer: boolean;
  /** the EROFS image in the format that counts; absent for artifacts and where none was asked for */
  readonly imageId?: ObjectId;
  /** the tag that was set */
  readonly tag?: string;
  readonly platform?: Platform;
  readonly stats: ImportStats;
  /** bytes of layers and config that were read from the source; zero when everything was there */
  readonly bytesFetched: number;
}

/**
 * Imports one image or artifact: its layers, its EROFS image, config and manifest as streams, and the tag last. Every
 * blob is checked against its digest and every layer against its diff_id before anything gets a name; what is there
 * already is neither read nor written again. An EROFS image that is linked and sound stays, unless formats or extended
 * attributes are asked for.
 *
 * When it fails or is aborted, layers that were complete keep their streams for the next try; there is no new config,
 * manifest or tag, and no temporary file.
 *
 * @throws {RepositoryError} READ_ONLY, before the source is touched. {OciRefError} INVALID_TAG, RESERVED_TAG.
 *   {OciImportError} RESOLVE_FAILED, UNEXPECTED_MANIFEST, MANIFEST_FAILED, CONFIG_FAILED, INVALID_DIFF_ID,
 *   LAYER_COUNT, UNSUPPORTED_LAYER, LAYER_FAILED, MISSING_LAYER_REF, IMAGE_FAILED, UNEXPECTED_IMAGE. The signal's reason
 */
export async function importImage(repository: Repository, source: ImageSource, options: ImportImageOptions = {}): Promise<ImportResult> {
  repository.ensureWritable();
  if (options.name !== undefined) checkTagName(options.name);
  const { signal } = options;
  const reporter = coalescing(safeReporter(options.reporter ?? nullReporter));
  try {
    return await repository.transaction(async () => run(await startJob(repository, source, options, reporter)), { signal });
  } finally {
    reporter.flush();
  }
}

/** The last event of a pull. Whoever reports to the user sends it when everything around the import is done, too. */
export function completedEvent(result: ImportResult): CompletedEvent {
  const { manifestDigest, configDigest, manifestVerity, configVerity, stats } = result;
  return { type: 'completed', manifestDigest, configDigest, manifestVerity, configVerity, stats: formatImportStats(stats) };
}

async function startJob(repository: Repository, source: ImageSource, options: ImportImageOptions, reporter: Reporter): Promise<ImageJob> {
  const resolved = await resolveManifest(source, options);
  const { descriptor, raw } = resolved;
  const { digest } = descriptor;
  const job = { repository, source, options, reporter, resolved, manifestRaw: raw, manifestDigest: digest };
  checkManifest(source, resolved, options.expectManifest);
  // oxlint-disable-next-line typescript/require-await -- steps are asynchronous
  const manifest = await inStep(job, 'MANIFEST_FAILED', 'Failed to read the JSON', digest, async () => parseManifest(raw));
  return { ...job, manifest };
}

async function run(job: ImageJob): Promise<ImportResult> {
  const { manifest, manifestDigest, reporter, options } = job;
  reporter.report({ type: 'message', text: `Importing ${manifest.layers.length} layers from ${placeName(job.source)}` });
  const config = await loadConfig(job);
  const storedManifest = await loadStoredManifest(job);
  const layers = await asStored(job, await locate(job, config, storedManifest));
  reportPlan(job, config, layers);
  const imported = await importLayers(job, layers);
  const layerRefs = layers.map((layer, index): NamedRef => [layer.id, imported.ids[index]!]);
  const images = await provideImages(job, config, layerRefs);
  const configVerity = await storeConfig(job, config, layerRefs, images?.refs);
  reporter.report({ type: 'message', text: 'Storing manifest' });
  const manifestVerity = await storeManifest(job, [[configRefName(manifest.config.digest), configVerity], ...layerRefs]);
  await nameImage(job);
  return {
    manifestDigest,
    configDigest: manifest.config.digest,
    manifestVerity,
    configVerity,
    isContainer: config.container !== undefined,
    ...(images !== undefined && { imageId: images.imageId }),
    ...(options.name !== undefined && { tag: options.name }),
    ...platformOf(job.resolved, config.container),
    stats: imported.stats,
    bytesFetched: imported.bytesFetched + (config.stored === undefined ? manifest.config.size : 0),
  };
}

async function resolveManifest(source: ImageSource, options: ImportImageOptions): Promise<ResolvedManifest> {
  const { tag, platform, signal, onWarning } = options;
  try {
    return await source.resolve({
      ...(tag !== undefined && { tag }),
      ...(platform !== undefined && { platform }),
      ...(signal !== undefined && { signal }),
      ...(onWarning !== undefined && { onWarning }),
    });
  } catch (cause) {
    signal?.throwIfAborted();
    throw new OciImportError(
      'RESOLVE_FAILED',
      `Resolving manifest for platform from ${source.describe()}`,
      { source: source.describe() },
      { cause },
    );
  }
}

/** The source has compared the bytes with the digest; a source may be anybody's, and this costs nothing. */
function checkManifest(source: ImageSource, { descriptor, raw }: ResolvedManifest, wanted: string | undefined): void {
  const place = { source: source.describe(), manifest: descriptor.digest, blob: descriptor.digest };
  const actual = digestOf(raw, digestAlgorithm(descriptor.digest));
  if (actual !== descriptor.digest) {
    const message = `Manifest integrity failed: expected ${descriptor.digest}, got ${actual}`;
    throw new OciImportError('INTEGRITY', message, { ...place, expected: descriptor.digest, actual });
  }
  if (wanted === undefined || wanted === actual) return;
  const message = `expected manifest ${wanted}, but ${source.describe()} has ${actual}`;
  throw new OciImportError('UNEXPECTED_MANIFEST', message, { ...place, expected: wanted, actual });
}

/** Messages name a layout by what it is, as the reference does, and any other source by where it is. */
function placeName(source: ImageSource): string {
  const place = source.describe();
  return place.startsWith('oci:') ? 'OCI layout' : place;
}

function loadStoredManifest(job: ImageJob): Promise<JsonStream | undefined> {
  const { manifestDigest: digest } = job;
  return inStep(job, 'MANIFEST_FAILED', 'Failed to read the stored stream', digest, () => mendManifest(job));
}

// oxlint-disable-next-line typescript/require-await -- its bytes are at hand
function mendManifest(job: ImageJob): Promise<JsonStream | undefined> {
  return mendJsonStream(job, manifestStreamName(job.manifestDigest), async () => job.manifestRaw);
}

/** The layers of an image by the references of its config, those of an artifact by the references of its manifest. */
async function locate(job: ImageJob, config: LoadedConfig, storedManifest: JsonStream | undefined): Promise<readonly LocatedLayer[]> {
  const layers = await planLayers(job, config.container);
  const { stored, container } = config;
  if (stored !== undefined && container !== undefined) for (const layer of layers) layerRef(stored.namedRefs, layer.id);
  const owner = container === undefined ? storedManifest : (stored ?? storedManifest);
  return locateLayers(job, layers, owner?.namedRefs ?? new Map());
}

/** The plan comes before any byte of a layer; the config has been read by then, because it says which layers there are. */
function reportPlan(job: ImageJob, config: LoadedConfig, layers: readonly LocatedLayer[]): void {
  const { reporter, manifest } = job;
  const { stored } = config;
  const { size } = manifest.config;
  const present = layers.filter((layer) => layer.present !== undefined);
  const bytesPresent = sizeOf(present) + (stored === undefined ? 0 : size);
  const components = layers.length + 1 + (needsImages(job, config) ? 1 : 0);
  reporter.report({ type: 'plan', components, bytesTotal: sizeOf(layers) + size, bytesPresent });
  if (stored !== undefined) {
    reporter.report({ type: 'skipped', id: 'config' });
    return;
  }
  reporter.report({ type: 'started', id: 'config', total: size, unit: 'bytes' });
  reporter.report({ type: 'done', id: 'config', transferred: size });
}

function sizeOf(layers: readonly LocatedLayer[]): number {
  return layers.reduce((sum, layer) => sum + layer.descriptor.size, 0);
}

/** Linking the config may have written the manifest's stream again. */
function storeManifest(job: ImageJob, refs: readonly NamedRef[]): Promise<ObjectId> {
  const { repository, manifestDigest: digest, manifestRaw } = job;
  return inStep(job, 'MANIFEST_FAILED', 'Failed to store the stream', digest, async () => {
    const stored = await findJsonStream(repository, manifestStreamName(digest)).catch(noneIfDamaged);
    if (stored !== undefined && hasRefs(stored, refs)) return stored.id;
    return writeJsonStream(repository, manifestStreamName(digest), manifestRaw, refs);
  });
}

/** What makes an image findable comes last; an artifact that belongs to a stored image is kept as long as that image. */
async function nameImage({ repository, manifest, manifestDigest, options }: ImageJob): Promise<void> {
  options.signal?.throwIfAborted();
  const { contentId } = manifestStreamName(manifestDigest);
  const subject = manifest.subject?.digest;
  if (subject !== undefined && repository.hasStream(manifestStreamName(subject).contentId) !== undefined) {
    await addReferrer(repository, subject, manifestDigest);
  }
  if (options.name !== undefined) await repository.nameStream(contentId, tagRefPath(options.name));
}

function platformOf({ platform }: ResolvedManifest, config: ImageConfig | undefined): { readonly platform?: Platform } {
  if (config === undefined) return platform === undefined ? {} : { platform };
  const { architecture, os, variant } = config;
  return { platform: { architecture, os, ...(variant !== undefined && { variant }) } };
}

import { CONTENT_TYPE } from '@cfskit/splitstream';
import type { ObjectId } from '@cfskit/fs-verity';
import { openVerified, VerifyError } from '@cfskit/oci-spec';
import type { LayerPiece } from '@cfskit/oci-spec';
import { RepositoryError } from '@cfskit/repository';
import { countingStream } from '@cfskit/progress';
import type { Reporter } from '@cfskit/progress';
import { TarSplitError } from '@cfskit/tar-split';
import { availableParallelism } from 'node:os';
import { layerFailure } from './image-job.ts';
import type { ImageJob } from './image-job.ts';
import { mergeStats } from './import-stats.ts';
import type { ImportStats } from './import-stats.ts';
import type { LocatedLayer } from './layer-plan.ts';
import { LayerRunner } from './run-layer.ts';
import type { LayerJob } from './run-layer.ts';
import type { StoredLayer } from './store-layer.ts';
import { storePieces } from './store-pieces.ts';

/** What became of the layers of one image, in manifest order. */
export interface ImportedLayers {
  readonly ids: readonly ObjectId[];
  readonly stats: ImportStats;
  readonly bytesFetched: number;
}

/** Up to this size a blob is read again to find out whether it is to blame for a tar that makes no sense. */
const DIAGNOSIS_LIMIT = 256 * 1024 * 1024;

/**
 * Imports the layers that are not there, the largest first, some at once. Each gets its name as soon as it is complete
 * and synced, so an interrupted import keeps it.
 *
 * After the first failure nothing new is begun and what is running is stopped; the failure is thrown when all is quiet.
 *
 * @throws {OciImportError} LAYER_FAILED. The signal's reason
 */
export async function importLayers(job: ImageJob, layers: readonly LocatedLayer[]): Promise<ImportedLayers> {
  const { signal, jobs = Math.min(4, availableParallelism()), threads } = job.options;
  for (const layer of layers) if (layer.present !== undefined) job.reporter.report({ type: 'skipped', id: layer.eventId });
  const missing = layers.filter((layer) => layer.present === undefined);
  const stop = new AbortController();
  const runner = new LayerRunner(job.repository.objects, threads);
  const queue = missing.toSorted((a, b) => b.descriptor.size - a.descriptor.size);
  const done = new Map<LocatedLayer, Imported>();
  const failures: unknown[] = [];
  const sharing = { isPossible: sharesFiles(job) };
  const either = signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]);
  const work = async (): Promise<void> => {
    for (let layer = queue.shift(); layer !== undefined; layer = queue.shift()) {
      done.set(layer, await importLayer(job, runner, layer, { crowded: isCrowded(layer, queue), sharing, signal: either }));
    }
  };
  const guarded = (): Promise<void> =>
    work().catch((error: unknown) => {
      failures.push(error);
      queue.length = 0;
      stop.abort(error);
    });
  await Promise.all(Array.from({ length: Math.min(jobs, missing.length) }, guarded));
  await runner.close();
  signal?.throwIfAborted();
  if (failures.length > 0) throw failures[0];
  return summarize(layers, done);
}

/** One imported layer. */
interface Imported {
  readonly id: ObjectId;
  readonly stats: Partial<ImportStats>;
}

interface LayerOptions {
  readonly crowded: boolean;
  /** Whether files of the source may be shared; what failed for one layer is not tried for the next. */
  readonly sharing: { isPossible: boolean };
  readonly signal: AbortSignal;
}

/** Whether the layers that wait will keep the other CPUs busy for as long as this one takes. */
function isCrowded(layer: LocatedLayer, waiting: readonly LocatedLayer[]): boolean {
  const bytes = waiting.reduce((sum, { descriptor }) => sum + descriptor.size, 0);
  return bytes > 0 && bytes >= layer.descriptor.size * (availableParallelism() - 1);
}

async function importLayer(job: ImageJob, runner: LayerRunner, layer: LocatedLayer, options: LayerOptions): Promise<Imported> {
  const { signal } = options;
  const { descriptor, eventId } = layer;
  job.reporter.report({ type: 'started', id: eventId, total: descriptor.size, unit: 'bytes' });
  try {
    const { id, stats, unlistable } = await shareOrCopy(job, runner, layer, options);
    signal.throwIfAborted();
    await job.repository.registerStream(layer.contentId, id);
    if (unlistable !== undefined) job.options.onWarning?.(`layer ${layer.id} is stored but cannot be listed: ${unlistable}`);
    job.reporter.report({ type: 'done', id: eventId, transferred: descriptor.size });
    return { id, stats };
  } catch (error) {
    signal.throwIfAborted();
    throw layerFailure(job, layer.context, await blame(job, layer, error, signal));
  }
}

async function shareOrCopy(job: ImageJob, runner: LayerRunner, layer: LocatedLayer, options: LayerOptions): Promise<StoredLayer> {
  const { sharing, signal } = options;
  if (!sharing.isPossible || !hasFiles(layer)) return copyLayer(job, runner, layer, options);
  try {
    return await shareLayer(job, layer, signal);
  } catch (error) {
    if (job.options.files !== 'share' || !(error instanceof RepositoryError) || error.code !== 'ZERO_COPY_IMPOSSIBLE') throw error;
    if (sharing.isPossible) job.options.onWarning?.('files of the source cannot be shared with the repository, so they are copied');
    sharing.isPossible = false;
    return copyLayer(job, runner, layer, options);
  }
}

function copyLayer(job: ImageJob, runner: LayerRunner, layer: LocatedLayer, { crowded, signal }: LayerOptions): Promise<StoredLayer> {
  const { descriptor, eventId } = layer;
  const source = countingStream(job.source.open(descriptor, { signal }), eventId, descriptor.size, job.reporter);
  return runner.run(layerJob(job, layer), source, { size: descriptor.size, crowded, signal });
}

function sharesFiles({ options, source }: ImageJob): boolean {
  return options.files !== undefined && options.files !== 'copy' && source.openPieces !== undefined;
}

/** Files can be had as such in a plain tar under its diff_id. */
function hasFiles({ kind, compression, diffId, descriptor }: LocatedLayer): boolean {
  return kind === 'tar' && compression === 'none' && descriptor.digest === diffId;
}

function shareLayer(job: ImageJob, { descriptor, eventId }: LocatedLayer, signal: AbortSignal): Promise<StoredLayer> {
  const { digest, size } = descriptor;
  const pieces = countingPieces(job.source.openPieces!(descriptor, { signal }), eventId, size, job.reporter);
  const copyPrivileged = job.options.files === 'share';
  return storePieces(pieces, { expected: { digest, size }, copyPrivileged, signal }, job.repository.objects);
}

async function* countingPieces(
  pieces: AsyncIterable<LayerPiece>,
  id: string,
  total: number,
  reporter: Reporter,
): AsyncGenerator<LayerPiece, void> {
  let fetched = 0;
  for await (const piece of pieces) {
    fetched += piece instanceof Uint8Array ? piece.byteLength : piece.size;
    reporter.report({ type: 'progress', id, fetched, total });
    yield piece;
  }
}

function layerJob({ options }: ImageJob, { descriptor, diffId, kind, compression }: LocatedLayer): LayerJob {
  const { digest, size } = descriptor;
  const { limits } = options;
  return {
    decode: { blob: { digest, size }, compression, ...(diffId !== undefined && { diffId }), ...(limits && { limits }) },
    store: { kind, contentType: kind === 'tar' ? CONTENT_TYPE.layer : CONTENT_TYPE.blob },
  };
}

/**
 * A damaged blob may make a tar that cannot be split before its end is reached, where the digest would have told.
 * Reading it again names the right culprit.
 */
async function blame(job: ImageJob, { descriptor }: LocatedLayer, error: unknown, signal: AbortSignal): Promise<unknown> {
  if (!(error instanceof TarSplitError) || descriptor.size > DIAGNOSIS_LIMIT) return error;
  try {
    for await (const chunk of openVerified(job.source, descriptor, { signal })) void chunk;
  } catch (verdict) {
    if (verdict instanceof VerifyError) return verdict;
  }
  return error;
}

function summarize(layers: readonly LocatedLayer[], imported: ReadonlyMap<LocatedLayer, Imported>): ImportedLayers {
  const ids = layers.map((layer) => layer.present ?? imported.get(layer)!.id);
  const counts = { layers: layers.length, layersAlreadyPresent: layers.length - imported.size };
  const stats = mergeStats([counts, ...[...imported.values()].map((one) => one.stats)]);
  const bytesFetched = [...imported.keys()].reduce((sum, layer) => sum + layer.descriptor.size, 0);
  return { ids, stats, bytesFetched };
}

import { detectFormat } from '@cfskit/compression';
import type { DecodeLimits } from '@cfskit/compression';
import type { ObjectId } from '@cfskit/fs-verity';
import { formatContentId } from '@cfskit/oci-ref';
import { digestAlgorithm } from '@cfskit/oci-spec';
import { coalescing, countingStream, nullReporter, safeReporter } from '@cfskit/progress';
import type { Reporter } from '@cfskit/progress';
import type { Repository } from '@cfskit/repository';
import { CONTENT_TYPE } from '@cfskit/splitstream';
import { layerDamage } from './layer-damage.ts';
import { mergeStats } from './import-stats.ts';
import type { ImportStats } from './import-stats.ts';
import { peek } from './peek.ts';
import { LayerRunner, SMALL_LAYER } from './run-layer.ts';
import type { LayerJob, Threads } from './run-layer.ts';

/** How a single layer is imported. */
export interface ImportLayerOptions {
  /** name below `streams/refs/` that keeps the layer from being collected */
  readonly name?: string;
  readonly limits?: DecodeLimits;
  readonly threads?: Threads;
  readonly reporter?: Reporter;
  readonly signal?: AbortSignal;
}

/** What an import of a layer left in the repository. */
export interface ImportLayerResult {
  readonly diffId: string;
  /** object id of its stream */
  readonly verity: ObjectId;
  readonly stats: ImportStats;
}

/**
 * Imports one tar from anywhere, plain or compressed with gzip or zstd: the first bytes tell. The decompressed bytes must
 * hash to `diffId`. If the layer is there, and no file of it is missing,
 * `source` is not read, and only the name is set.
 *
 * @throws {OciImportError} DIFF_ID_MISMATCH. {OciSpecError} INVALID_DIGEST, UNKNOWN_ALGORITHM. {RepositoryError} READ_ONLY.
 *   {CompressionError} {TarSplitError} for what cannot be read. Nothing is named then. The signal's reason
 */
export async function importLayer(
  repository: Repository,
  diffId: string,
  source: AsyncIterable<Uint8Array>,
  options: ImportLayerOptions = {},
): Promise<ImportLayerResult> {
  repository.ensureWritable();
  digestAlgorithm(diffId);
  const { signal } = options;
  const reporter = coalescing(safeReporter(options.reporter ?? nullReporter));
  try {
    return await repository.transaction(() => run(repository, diffId, source, { ...options, reporter }), { signal });
  } finally {
    reporter.flush();
  }
}

type RunOptions = ImportLayerOptions & { readonly reporter: Reporter };

async function run(
  repository: Repository,
  diffId: string,
  source: AsyncIterable<Uint8Array>,
  options: RunOptions,
): Promise<ImportLayerResult> {
  const contentId = formatContentId('layer', diffId);
  const known = repository.hasStream(contentId);
  const damage = known && (await layerDamage(repository, known, CONTENT_TYPE.layer));
  if (known !== undefined && damage === undefined) {
    options.reporter.report({ type: 'skipped', id: diffId });
    if (options.name !== undefined) await repository.nameStream(contentId, options.name);
    return { diffId, verity: known, stats: mergeStats([{ layers: 1, layersAlreadyPresent: 1 }]) };
  }
  if (damage !== undefined) repository.objects.forget(); // what it has seen is not what there is
  options.reporter.report({ type: 'started', id: diffId, unit: 'bytes' });
  let transferred = 0;
  const counter: Reporter = {
    report(event) {
      if (event.type === 'progress') transferred = event.fetched;
      options.reporter.report(event);
    },
  };
  const stored = await store(repository, diffId, countingStream(source, diffId, undefined, counter), options);
  await repository.registerStream(contentId, stored.id, options.name);
  options.reporter.report({ type: 'done', id: diffId, transferred });
  return { diffId, verity: stored.id, stats: mergeStats([stored.stats, { layers: 1 }]) };
}

async function store(
  repository: Repository,
  diffId: string,
  source: AsyncIterable<Uint8Array>,
  options: RunOptions,
): Promise<Awaited<ReturnType<LayerRunner['run']>>> {
  const { limits, threads, signal } = options;
  const { head, size, all } = await peek(source, SMALL_LAYER);
  const job: LayerJob = {
    decode: { compression: detectFormat(head), diffId, ...(limits && { limits }) },
    store: { kind: 'tar', contentType: CONTENT_TYPE.layer },
  };
  const runner = new LayerRunner(repository.objects, threads);
  try {
    return await runner.run(job, all, { ...(size !== undefined && { size }), ...(signal && { signal }) });
  } finally {
    await runner.close();
  }
}

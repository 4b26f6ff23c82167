import type { ObjectId } from '@cfskit/fs-verity';
import { createStreamWriter, LocalObjectStore, storeStream } from '@cfskit/repository';
import type { LocalObjectStoreOptions } from '@cfskit/repository';
import { TarSplitter } from '@cfskit/tar-split';
import type { ImportStats } from './import-stats.ts';
import { LayerSink } from './layer-sink.ts';

/** What a layer is stored as. Plain data: it crosses threads. */
export interface StoreJob {
  /** a tar is split; anything else is kept whole, as one object */
  readonly kind: 'tar' | 'blob';
  readonly contentType: bigint;
}

/** A layer whose stream is stored, but has no name yet and is not synced. */
export interface StoredLayer {
  readonly id: ObjectId;
  /** bytes of the decompressed layer */
  readonly size: number;
  readonly stats: Partial<ImportStats>;
  /** why the layer can be stored but not listed, where that is so */
  readonly unlistable?: string;
}

/**
 * Stores a layer: file contents as objects, the rest in a splitstream, which becomes an object too. Everything inside a
 * chunk is synchronous. On an error no temporary file is left; objects stored so far stay, named by what they contain.
 *
 * Memory does not grow with the layer: at most a file of 1 MiB, a few MiB of inline bytes and one chunk.
 *
 * @throws {TarSplitError} {RepositoryError} and whatever `chunks` throws
 */
export async function storeLayer(chunks: AsyncIterable<Uint8Array>, job: StoreJob, objects: LocalObjectStore): Promise<StoredLayer> {
  const writer = createStreamWriter(objects, job.contentType);
  const sink = new LayerSink(objects, writer);
  try {
    const end = job.kind === 'tar' ? await splitInto(sink, chunks) : await keepWhole(objects, sink, chunks);
    const { id } = await storeStream(objects, writer);
    return { id, stats: sink.stats, ...end };
  } finally {
    sink.abort();
    writer.close();
  }
}

/** The same in a thread that has no store yet. */
export function storeLayerIn(objects: LocalObjectStoreOptions, chunks: AsyncIterable<Uint8Array>, job: StoreJob): Promise<StoredLayer> {
  return storeLayer(chunks, job, new LocalObjectStore(objects));
}

type LayerEnd = Pick<StoredLayer, 'size' | 'unlistable'>;

async function splitInto(sink: LayerSink, chunks: AsyncIterable<Uint8Array>): Promise<LayerEnd> {
  let unlistable: string | undefined;
  const splitter = new TarSplitter(sink, { onUnlistable: (problem) => (unlistable ??= problem.message) });
  for await (const chunk of chunks) splitter.push(chunk);
  const { size } = splitter.finish();
  return { size, ...(unlistable !== undefined && { unlistable }) };
}

async function keepWhole(objects: LocalObjectStore, sink: LayerSink, chunks: AsyncIterable<Uint8Array>): Promise<LayerEnd> {
  const stored = await objects.put(chunks);
  sink.refer(stored);
  return { size: stored.size };
}

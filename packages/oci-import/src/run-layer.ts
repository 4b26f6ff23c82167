import type { Allocate } from '@cfskit/compression';
import type { LocalObjectStore, LocalObjectStoreOptions } from '@cfskit/repository';
import { availableParallelism } from 'node:os';
import { MessageChannel } from 'node:worker_threads';
import { ChannelCancelled, feedChannel } from './chunk-channel.ts';
import { decodeLayer } from './decode-layer.ts';
import type { DecodeJob } from './decode-layer.ts';
import { gathered } from './gathered-chunks.ts';
import { hasWorkerFile, LayerWorkers } from './layer-workers.ts';
import { releasing } from './owned-chunks.ts';
import { reusedMemory } from './reused-memory.ts';
import { storeLayer } from './store-layer.ts';
import type { StoredLayer, StoreJob } from './store-layer.ts';

/** Everything the two halves of one layer need; plain data. */
export interface LayerJob {
  readonly decode: DecodeJob;
  readonly store: StoreJob;
}

/** Where layers are worked on: `auto` starts threads for layers that are worth it. */
export type Threads = 'auto' | 'always' | 'never';

/** What is known about the layer to run. */
export interface RunOptions {
  /** compressed bytes, where known */
  readonly size?: number;
  /** other layers will keep the other CPUs busy: one thread is enough for this one */
  readonly crowded?: boolean;
  readonly signal?: AbortSignal;
}

/**
 * A layer of at most this many compressed bytes is done on the calling thread: starting others takes longer
 * (docs/decisions/import-pipeline.md).
 */
export const SMALL_LAYER: number = 2 * 1024 * 1024;

/**
 * Runs layers through decoding and storing. The calling thread decodes, which never waits for a disk, and a worker
 * stores. Where there are more CPUs than that, the calling thread decodes one layer and workers do the others alone, a
 * thread or two each. Threads start when a layer needs them; `close` ends them. The caller bounds how many layers run.
 */
export class LayerRunner {
  readonly #objects: LocalObjectStore;
  readonly #threads: Threads;
  readonly #cpus: number;
  readonly #workers: LayerWorkers;
  #decodingHere = 0;

  constructor(objects: LocalObjectStore, threads: Threads = 'auto', cpus: number = availableParallelism()) {
    this.#objects = objects;
    this.#threads = threads;
    this.#cpus = cpus;
    this.#workers = new LayerWorkers(Math.max(1, cpus - 1));
  }

  /**
   * When this settles no temporary file is left, and no thread is at work on the layer.
   *
   * @throws the error of the half that failed first, or the signal's reason
   */
  async run(job: LayerJob, source: AsyncIterable<Uint8Array>, { size, crowded = false, signal }: RunOptions = {}): Promise<StoredLayer> {
    if (this.#isSmall(size)) return this.#allHere(job, source, signal);
    const results = await this.#start(job, source, crowded, signal);
    signal?.throwIfAborted();
    throwFirst(results);
    return (results.at(-1) as PromiseFulfilledResult<StoredLayer>).value;
  }

  async close(): Promise<void> {
    await this.#workers.close();
  }

  /** Storing uses a chunk up before it asks for the next one, so its memory is used again. */
  #allHere({ decode, store }: LayerJob, source: AsyncIterable<Uint8Array>, signal?: AbortSignal): Promise<StoredLayer> {
    const decoded = decodeLayer(releasing(source), decode, { allocate: reusedMemory(), ...(signal && { signal }) });
    return storeLayer(decoded, store, this.#objects);
  }

  #start(job: LayerJob, source: AsyncIterable<Uint8Array>, crowded: boolean, signal?: AbortSignal): Promise<Results> {
    if (this.#decodingHere === 0 || this.#cpus <= 2) return this.#decodeHere(job, source, signal);
    return crowded || this.#workers.idle < 2 ? this.#inOne(job, source, signal) : this.#inTwo(job, source, signal);
  }

  async #decodeHere({ decode, store }: LayerJob, source: AsyncIterable<Uint8Array>, signal?: AbortSignal): Promise<Results> {
    const { port1, port2: input } = new MessageChannel();
    this.#decodingHere++;
    try {
      const decoded = (allocate: Allocate): AsyncIterable<Uint8Array<ArrayBuffer>> =>
        decodeLayer(releasing(source), decode, { allocate, ...(signal && { signal }) });
      return await Promise.allSettled([
        feedChannel(decoded, port1, signal),
        this.#workers.ask({ role: 'store', store, objects: this.#options, input }, [input]),
      ]);
    } finally {
      this.#decodingHere--;
    }
  }

  #inOne(job: LayerJob, source: AsyncIterable<Uint8Array>, signal?: AbortSignal): Promise<Results> {
    const { port1, port2: input } = new MessageChannel();
    return Promise.allSettled([
      feedChannel((allocate) => gathered(source, allocate), port1, signal),
      this.#workers.ask({ role: 'whole', ...job, objects: this.#options, input }, [input]),
    ]);
  }

  #inTwo({ decode, store }: LayerJob, source: AsyncIterable<Uint8Array>, signal?: AbortSignal): Promise<Results> {
    const compressed = new MessageChannel();
    const decoded = new MessageChannel();
    const [input, output] = [compressed.port2, decoded.port1];
    return Promise.allSettled([
      feedChannel((allocate) => gathered(source, allocate), compressed.port1, signal),
      this.#workers.ask({ role: 'decode', decode, input, output }, [input, output]),
      this.#workers.ask({ role: 'store', store, objects: this.#options, input: decoded.port2 }, [decoded.port2]),
    ]);
  }

  /** What another thread needs to have a store of the same objects. */
  get #options(): LocalObjectStoreOptions {
    const { path, directory, algorithm, secure } = this.#objects;
    return { path, directory, algorithm, secure };
  }

  #isSmall(size: number | undefined): boolean {
    if (this.#threads !== 'auto') return this.#threads === 'never';
    return (size !== undefined && size <= SMALL_LAYER) || !hasWorkerFile();
  }
}

type Results = readonly PromiseSettledResult<unknown>[];

/** The error that came first: a stage that stopped because its neighbour did says nothing new. */
function throwFirst(results: Results): void {
  const reasons = results.filter((result) => result.status === 'rejected').map((result) => result.reason as unknown);
  if (reasons.length === 0) return;
  throw reasons.find((reason) => !(reason instanceof ChannelCancelled)) ?? reasons[0];
}

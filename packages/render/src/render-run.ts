import { dirname } from 'node:path';
import { availableParallelism, tmpdir } from 'node:os';
import type { Time } from '@cfskit/fs-tree';
import { nullReporter, safeReporter, type Reporter } from '@cfskit/progress';
import { LayerDecoder, type Threads } from './decode-threads.ts';
import { DroppedLinks } from './dropped-links.ts';
import { RenderError } from './errors.ts';
import { ImageBudget } from './image-budget.ts';
import { indexLayer, type LayerIndex } from './index-layer.ts';
import { withDefaults, type Limits, type RenderLimits } from './limits.ts';
import { mergeLayers } from './merge-layers.ts';
import type { OutputSink, RenderReport } from './output-sink.ts';
import { openSink, type ImageSpec } from './output-spec.ts';
import type { RenderLayer } from './render-image.ts';
import { openUnpackedLayers, type UnpackedLayers } from './unpacked-layers.ts';
import { writeLayers, type LayerProgress } from './write-layers.ts';

/** How an image is rendered. */
export interface RenderOptions {
  /** A hard link without a target is an error. Default: it is left out, with a warning. */
  readonly strict?: boolean;
  readonly limits?: RenderLimits;
  /** Layers that are read for their headers at a time. Default: as many as there are processors, 4 at most. */
  readonly jobs?: number;
  /** Where layers are unpacked. Default `auto`. */
  readonly threads?: Threads;
  /** For contents that wait for their turn. Default: the directory of the output. */
  readonly temporaryDirectory?: string;
  /**
   * Bytes of unpacked layers that may wait there, in files without a name: these layers are unpacked and opened once instead of twice. Never
   * more than a quarter of the free space. Default: 0.
   */
  readonly maxUnpackedBytes?: number;
  readonly signal?: AbortSignal;
  /** Told in a sentence of what the result lacks. */
  readonly onWarning?: (text: string) => void;
  /** Told of layers while contents are written, newest first. */
  readonly onProgress?: (progress: LayerProgress) => void;
  /** Told of bytes read for the first time, with diff_ids or digests of layers as ids; then `output`, by layers. */
  readonly reporter?: Reporter;
}

/** What came of it. */
export interface RenderResult {
  /** Size of the file; of a directory, of all files in it. */
  readonly bytes: number;
  /** Of the file. */
  readonly digest?: string;
  readonly report: RenderReport;
  /** Hard links without a target, which were left out. */
  readonly linksDropped: number;
}

/** What a run is about. */
export interface RunSubject {
  /** For messages. */
  readonly name: string;
  readonly count: number;
  readonly created?: Time | undefined;
}

/** One rendering: layers are indexed as they arrive, in any order; after the last one they are merged and written. */
export class RenderRun {
  readonly result: Promise<RenderResult>;
  readonly #subject: RunSubject;
  readonly #spec: ImageSpec;
  readonly #options: RenderOptions;
  readonly #limits: Limits;
  readonly #budget: ImageBudget;
  readonly #reporter: Reporter;
  readonly #decoder: LayerDecoder;
  readonly #stop = new AbortController();
  readonly #signal: AbortSignal;
  readonly #layers: PromiseWithResolvers<LayerIndex>[];
  readonly #slots: Slots;
  readonly #unpacked: Promise<UnpackedLayers>;
  readonly #indexing: Set<Promise<void>> = new Set();
  #settled = false;

  constructor(subject: RunSubject, spec: ImageSpec, options: RenderOptions) {
    const { jobs = Math.min(4, availableParallelism()), signal, limits, reporter, threads } = options;
    this.#subject = subject;
    this.#spec = spec;
    this.#options = options;
    this.#limits = withDefaults(limits);
    this.#budget = new ImageBudget(this.#limits);
    this.#reporter = reporter === undefined ? nullReporter : safeReporter(reporter);
    this.#decoder = new LayerDecoder(threads);
    this.#signal = signal === undefined ? this.#stop.signal : AbortSignal.any([signal, this.#stop.signal]);
    this.#slots = new Slots(jobs);
    this.#unpacked = openUnpackedLayers(options.temporaryDirectory ?? temporaryDirectoryOf(spec), options.maxUnpackedBytes ?? 0);
    this.#unpacked.catch(() => undefined); // told by the layers
    this.#layers = Array.from({ length: subject.count }, () => Promise.withResolvers<LayerIndex>());
    for (const { promise } of this.#layers) promise.catch(() => undefined); // told by the whole
    this.result = this.#run();
    this.result.catch(() => undefined); // told to whoever asks
  }

  /** Whether it is over, well or not. */
  get settled(): boolean {
    return this.#settled || this.#signal.aborted;
  }

  /** Layer `number`, counted from 0, the oldest, can be read. To be called once for each. */
  add(number: number, layer: RenderLayer): void {
    const work = this.#index(number, layer).finally(() => this.#indexing.delete(work));
    this.#indexing.add(work);
  }

  /** There will be no more layers. Too late when it is over already. */
  fail(error: unknown): void {
    this.#stop.abort(error);
  }

  async #index(number: number, layer: RenderLayer): Promise<void> {
    const { resolve, reject } = this.#layers[number]!;
    const id = layer.diffId ?? layer.name;
    await this.#slots.take();
    try {
      this.#signal.throwIfAborted();
      const total = layer.blob?.size;
      this.#reporter.report({ type: 'started', id, unit: 'bytes', ...(total !== undefined && { total }) });
      const index = await indexLayer(layer, number, {
        ...this.#context(),
        progress: { reporter: this.#reporter, id },
        budget: this.#budget,
        keep: await this.#unpacked,
      });
      this.#reporter.report({ type: 'done', id, transferred: index.blob.size ?? 0 });
      resolve(index);
    } catch (error) {
      reject(error);
    } finally {
      this.#slots.give();
    }
  }

  async #run(): Promise<RenderResult> {
    let sink: OutputSink | undefined;
    try {
      sink = await openSink(this.#spec, this.#subject.created, this.#signal);
      return await this.#render(sink);
    } catch (error) {
      this.#stop.abort(error);
      await Promise.all(this.#indexing);
      const failure = this.#withContext(error, sink);
      await sink?.abort();
      throw failure;
    } finally {
      this.#settled = true;
      await this.#decoder.close();
      (await this.#unpacked.catch(() => undefined))?.close();
    }
  }

  async #render(sink: OutputSink): Promise<RenderResult> {
    const dropped = new DroppedLinks((text) => this.#options.onWarning?.(text));
    const indexes = await this.#allIndexed();
    const plan = await mergeLayers(indexes, {
      ...this.#context(),
      strict: this.#options.strict === true,
      onDroppedLink: (path, target) => dropped.add(path, target),
    });
    dropped.finish();
    const layers = indexes.map(({ layer, blob, unpacked }) => ({ layer, blob, ...(unpacked && { unpacked }) })); // entries are not needed any more
    indexes.length = 0;
    const total = layers.length;
    this.#reporter.report({ type: 'started', id: 'output', unit: 'items', total });
    await writeLayers(plan, layers, sink, {
      ...this.#context(),
      temporaryDirectory: this.#options.temporaryDirectory ?? temporaryDirectoryOf(this.#spec),
      onProgress: (progress) => this.#wrote(progress, total),
    });
    this.#signal.throwIfAborted();
    const result = await sink.finish();
    this.#reporter.report({ type: 'done', id: 'output', transferred: total });
    return { ...result, linksDropped: dropped.count };
  }

  /** All layers, or the first error, also while others still wait for theirs. */
  async #allIndexed(): Promise<LayerIndex[]> {
    const aborted = Promise.withResolvers<never>();
    const onAbort = (): void => aborted.reject(this.#signal.reason);
    this.#signal.throwIfAborted();
    this.#signal.addEventListener('abort', onAbort, { once: true });
    try {
      return await Promise.race([aborted.promise, Promise.all(this.#layers.map(({ promise }) => promise))]);
    } finally {
      this.#signal.removeEventListener('abort', onAbort);
    }
  }

  #wrote(progress: LayerProgress, total: number): void {
    this.#options.onProgress?.(progress);
    if (progress.type === 'layerFinished')
      this.#reporter.report({ type: 'progress', id: 'output', fetched: total - progress.index, total });
  }

  /** What a sink was doing goes around errors that are not its own; an abort by the caller stays what it is. */
  #withContext(error: unknown, sink: OutputSink | undefined): unknown {
    if (sink?.context === undefined || this.#options.signal?.aborted === true) return error;
    if (error instanceof RenderError && error.code.startsWith('PROGRAM_')) return error;
    return new RenderError('MERGE_FAILED', sink.context(), { cause: error });
  }

  #context(): { image: string; decoder: LayerDecoder; limits: Limits; signal: AbortSignal } {
    return { image: this.#subject.name, decoder: this.#decoder, limits: this.#limits, signal: this.#signal };
  }
}

function temporaryDirectoryOf({ to }: ImageSpec): string {
  return typeof to === 'string' ? dirname(to) : tmpdir();
}

/** So many at a time; the others wait in line. */
class Slots {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(count: number) {
    this.#free = Math.max(1, count);
  }

  async take(): Promise<void> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  give(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free++;
    else next();
  }
}

import { tmpdir } from 'node:os';
import { RenderError } from './errors.ts';
import type { IndexedLayer } from './index-layer.ts';
import { statOf, type EntryStat } from './layer-entry.ts';
import { layerFailed, readLayer, type ReadingContext } from './layer-reading.ts';
import type { OutputSink } from './output-sink.ts';
import { linkEntry, outputEntry, visits, type OutputEntry, type Plan } from './plan.ts';
import { Spool, type SpooledPiece } from './spool.ts';
import type { TarMember } from './tar-member.ts';
import { TarReader, type TarReaderSink } from './tar-reader.ts';
import { Turns } from './turns.ts';

/** Told while contents are written, newest layer first: each layer once, also one of which nothing is visible. */
export interface LayerProgress {
  readonly type: 'layerStarted' | 'layerFinished';
  /** Counted from 0, the oldest. */
  readonly index: number;
}

/** How contents are written. */
export interface WriteLayersOptions extends ReadingContext {
  /** Where contents are put aside that have to wait for their turn. */
  readonly temporaryDirectory?: string;
  readonly onProgress?: (progress: LayerProgress) => void;
}

/**
 * Write a planned result to a sink: every layer of which something is visible is read again, newest first, and what is not visible is passed
 * over. The sink is not finished here.
 *
 * @throws {RenderError} LAYER_FAILED with a cause; whatever the sink throws
 */
export async function writeLayers(
  plan: Plan,
  indexes: readonly IndexedLayer[],
  sink: OutputSink,
  options: WriteLayersOptions,
): Promise<void> {
  const writer = new LayerWriter(plan, sink, options);
  try {
    await sink.begin(plan);
    if (sink.order === 'stream') await writer.withoutContent(plan.implied);
    for (let number = indexes.length - 1; number >= 0; number--) {
      options.onProgress?.({ type: 'layerStarted', index: number });
      await writer.layer(indexes[number]!, number, options);
      options.onProgress?.({ type: 'layerFinished', index: number });
    }
    if (sink.order === 'stream') await writer.rest();
    else await writer.sorted();
  } finally {
    writer.close();
  }
}

/** Where the content of an entry goes. */
type Destination = 'nowhere' | 'sink' | 'spool';

/** Bytes that may wait in a sink. */
const FLUSH_SIZE = 1024 * 1024;
const ENTRY_COST = 512;

class LayerWriter implements TarReaderSink {
  readonly #plan: Plan;
  readonly #sink: OutputSink;
  readonly #directory: string;
  readonly #turns: Turns;
  /** Promoted entries per layer of their inode, by its ordinal. */
  readonly #promoted: readonly ReadonlyMap<number, OutputEntry>[];
  readonly #pieces: Map<EntryStat, SpooledPiece> = new Map();
  #spool: Spool | undefined;
  #waiting = 0;
  #layer = 0;
  #ordinal = 0;
  #left = 0;
  #destination: Destination = 'nowhere';

  constructor(plan: Plan, sink: OutputSink, { temporaryDirectory = tmpdir(), signal }: WriteLayersOptions) {
    this.#plan = plan;
    this.#sink = sink;
    this.#directory = temporaryDirectory;
    this.#turns = new Turns(signal);
    this.#promoted = promotedByLayer(plan);
  }

  /** Write what is visible of a layer. */
  async layer(index: IndexedLayer, number: number, options: WriteLayersOptions): Promise<void> {
    this.#layer = number;
    this.#ordinal = 0;
    this.#left = this.#visible(number);
    if (this.#left === 0) return;
    const reader = new TarReader(this, options.limits);
    for await (const chunk of readAgain(index, number, options)) {
      reader.push(chunk);
      await this.#sink.flush();
    }
    if (this.#left > 0) throw changed(number, index.layer.name);
  }

  /** Directories and links. */
  async withoutContent(entries: Iterable<OutputEntry>): Promise<void> {
    for (const entry of entries) {
      this.#sink.entry(entry);
      await this.#flushAfter(ENTRY_COST);
    }
    await this.#sink.flush();
  }

  /** What comes behind the layers: promoted entries in their order, and links. */
  async rest(): Promise<void> {
    if (!this.#sink.takesAnyOrder) for (const { entry } of this.#plan.promoted) await this.#fromSpool(entry);
    await this.withoutContent(this.#plan.links);
  }

  /** The whole result in the order of its tree; the first name of an inode is the file. */
  async sorted(): Promise<void> {
    const written = new Map<unknown, OutputEntry>();
    for (const { path, node } of visits(this.#plan.root)) {
      const first = written.get(node);
      const entry = first === undefined ? outputEntry(path, node, statOf(node.stat)) : linkEntry(path, first);
      await this.#fromSpool(entry);
      if (node.kind !== 'directory') written.set(node, first ?? entry);
    }
    await this.#sink.flush();
  }

  member(member: TarMember, size: number): void {
    const ordinal = this.#ordinal++;
    const own = this.#plan.layers[this.#layer]![ordinal];
    const entry = own ?? this.#promoted[this.#layer]!.get(ordinal);
    this.#destination = 'nowhere';
    if (entry === undefined) return;
    if (entry.kind !== member.kind || entry.size !== size) throw changed(this.#layer, member.path);
    this.#left--;
    const { order, takesAnyOrder } = this.#sink;
    if (order === 'stream' && (own !== undefined || takesAnyOrder)) {
      this.#destination = 'sink';
      this.#sink.entry(entry);
    } else if (size > 0) {
      this.#destination = 'spool';
      this.#spool ??= new Spool(this.#directory);
      this.#pieces.set(entry.stat, { start: this.#spool.end, end: this.#spool.end + size });
    }
  }

  data(bytes: Uint8Array): void {
    if (this.#destination === 'sink') this.#sink.data(bytes);
    else if (this.#destination === 'spool') this.#spool!.write(bytes);
  }

  hole(size: number): void {
    if (this.#destination === 'sink') this.#sink.hole(size);
    else if (this.#destination === 'spool') this.#spool!.skip(size);
  }

  end(): void {
    if (this.#destination === 'sink') this.#sink.end();
  }

  close(): void {
    this.#spool?.close();
  }

  /** How many entries of a layer have to be met. */
  #visible(number: number): number {
    const own = this.#plan.layers[number]!.reduce((count, entry) => (entry === undefined ? count : count + 1), 0);
    return own + this.#promoted[number]!.size;
  }

  async #fromSpool(entry: OutputEntry): Promise<void> {
    this.#sink.entry(entry);
    await this.#flushAfter(ENTRY_COST);
    if (entry.kind !== 'file') return;
    const piece = this.#pieces.get(entry.stat);
    for (const bytes of piece === undefined ? [] : this.#spool!.read(piece)) {
      this.#sink.data(bytes);
      await this.#flushAfter(bytes.byteLength);
    }
    this.#sink.end();
  }

  async #flushAfter(bytes: number): Promise<void> {
    this.#waiting += bytes;
    if (this.#waiting < FLUSH_SIZE) return;
    this.#waiting = 0;
    await this.#sink.flush();
    await this.#turns.take(); // a directory has nothing to wait for
  }
}

function promotedByLayer({ layers, promoted }: Plan): Map<number, OutputEntry>[] {
  const maps = layers.map(() => new Map<number, OutputEntry>());
  for (const { entry } of promoted) {
    const { layer, ordinal } = entry.stat.origin!;
    maps[layer]!.set(ordinal, entry);
  }
  return maps;
}

/** The second reading: of what the first unpacked, if it was kept; else the stored bytes must be the same. */
async function* readAgain(
  { layer, blob, unpacked }: IndexedLayer,
  number: number,
  options: ReadingContext,
): AsyncGenerator<Uint8Array, void> {
  const turns = new Turns(options.signal);
  for (const chunk of unpacked?.chunks() ?? []) {
    await turns.take();
    yield chunk;
  }
  if (unpacked !== undefined) return;
  try {
    yield* readLayer(layer, { ...options, expected: blob });
  } catch (error) {
    throw layerFailed(layer, number, error, options);
  }
}

function changed(layer: number, path: string): RenderError {
  return new RenderError('LAYER_CHANGED', `layer ${layer} is not what it was when it was read first`, { layer, path });
}

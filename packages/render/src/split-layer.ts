import { layerEntryOf, type LayerEntry } from '@cfskit/fs-tree';
import { FsVerityHasher, type Algorithm, type ObjectId } from '@cfskit/fs-verity';
import { nativeBlockHash } from '@cfskit/linux';
import { readEntries, TarSplitter, type SplitSink, type TarChunk } from '@cfskit/tar-split';
import type { ImageBudget } from './image-budget.ts';
import { DiffIdCheck, layerFailed, readLayer, type ReadLayerOptions } from './layer-reading.ts';
import type { RenderLayer } from './render-image.ts';

/**
 * Takes the contents of files of more than 64 bytes, for instance a `LocalObjectStore` of `@cfskit/repository` whose `directory` is the digest
 * store. Its calls are synchronous, and the bytes are used again after each.
 */
export interface ContentStore {
  createWriterSync(size: number): ContentWriter;
}

/** Takes one content, and says what its fs-verity digest is. */
export interface ContentWriter {
  write(bytes: Uint8Array): void;
  finish(): { readonly id: ObjectId };
  abort(): void;
}

/** A store that keeps nothing. */
export class DigestOnly implements ContentStore {
  readonly #hasher: FsVerityHasher;

  constructor(algorithm: Algorithm) {
    this.#hasher = new FsVerityHasher(algorithm, { blockHash: nativeBlockHash(algorithm) });
  }

  createWriterSync(): ContentWriter {
    const hasher = this.#hasher;
    hasher.reset();
    return { write: (bytes) => hasher.update(bytes), finish: () => ({ id: hasher.objectId() }), abort: () => undefined };
  }
}

/**
 * The entries of a layer as composefs images have them. Both digests of the layer have been checked when this resolves, as far as they are
 * known; contents are in the store before.
 *
 * @throws {RenderError} LAYER_FAILED; its cause is a TarSplitError for entries that no image can hold
 */
export async function splitLayer(
  layer: RenderLayer,
  number: number,
  store: ContentStore,
  options: ReadLayerOptions & { readonly budget: ImageBudget },
): Promise<readonly LayerEntry[]> {
  const splitting = new Splitting(store);
  const chunks = splitting.chunks(layer, options);
  const entries: LayerEntry[] = [];
  try {
    const { maxEntries } = options.limits;
    for await (const entry of readEntries(leftOpen(chunks), { maxEntries })) entries.push(counted(layerEntryOf(entry), options.budget));
    while ((await chunks.next()).done !== true); // what is behind the last entry counts for the digests
  } catch (error) {
    splitting.abort();
    throw layerFailed(layer, number, error, options);
  } finally {
    await chunks.return();
  }
  return entries;
}

function counted(entry: LayerEntry, budget: ImageBudget): LayerEntry {
  const { kind, path, stat } = entry;
  budget.count({ kind, path, xattrs: stat.xattrs, ...('target' in entry && { target: entry.target }) });
  return entry;
}

/** The listing closes what it reads when it has seen the last entry. */
function leftOpen(chunks: AsyncGenerator<TarChunk, void>): AsyncIterable<TarChunk> {
  return { [Symbol.asyncIterator]: () => ({ next: () => chunks.next() }) };
}

/** A layer's tar as a splitstream would hold it: contents go into the store, and their digests take their place. */
class Splitting implements SplitSink {
  readonly #store: ContentStore;
  #chunks: TarChunk[] = [];
  #writer: ContentWriter | undefined;

  constructor(store: ContentStore) {
    this.#store = store;
  }

  async *chunks(layer: RenderLayer, options: ReadLayerOptions): AsyncGenerator<TarChunk, void> {
    const splitter = new TarSplitter(this);
    const diffId = new DiffIdCheck(layer);
    for await (const bytes of readLayer(layer, options)) {
      diffId.update(bytes);
      splitter.push(bytes);
      yield* this.#take();
    }
    splitter.finish();
    diffId.finish();
  }

  inline(bytes: Uint8Array): void {
    this.#chunks.push({ kind: 'inline', bytes, last: false });
  }

  /** A run of inline bytes ends where a content begins: with the header in front of it. */
  fileStart(size: number): void {
    const header = this.#chunks.pop();
    if (header?.kind === 'inline') this.#chunks.push({ ...header, last: true });
    this.#writer = this.#store.createWriterSync(size);
  }

  fileData(bytes: Uint8Array): void {
    this.#writer!.write(bytes);
  }

  fileEnd(): void {
    const { id } = this.#writer!.finish();
    this.#writer = undefined;
    this.#chunks.push({ kind: 'external', objectId: id });
  }

  /** Whatever was begun in the store. */
  abort(): void {
    this.#writer?.abort();
    this.#writer = undefined;
  }

  #take(): TarChunk[] {
    const chunks = this.#chunks;
    this.#chunks = [];
    return chunks;
  }
}

import type { ImportedFile, LocalObjectStore } from '@cfskit/repository';
import type { SplitstreamWriter } from '@cfskit/splitstream';
import type { SplitSink } from '@cfskit/tar-split';
import type { ImportStats } from './import-stats.ts';
import { mergeStats } from './import-stats.ts';
import { LayerSink } from './layer-sink.ts';

/**
 * A {@link LayerSink} that can be given the next content as an object that is stored already: then its bytes, which come all the same, are passed over.
 */
export class PieceSink implements SplitSink {
  readonly #inner: LayerSink;
  readonly #writer: SplitstreamWriter;
  /** A content of so many bytes has begun, and none of them has come. */
  #announced: number | undefined;
  #given: ImportedFile | undefined;
  readonly #counted: { -readonly [Key in keyof ImportStats]?: number } = {};

  constructor(objects: LocalObjectStore, writer: SplitstreamWriter) {
    this.#inner = new LayerSink(objects, writer);
    this.#writer = writer;
  }

  get stats(): Partial<ImportStats> {
    return mergeStats([this.#inner.stats, this.#counted]);
  }

  /** Whether the next bytes are the first of a content of this size. */
  awaits(size: number): boolean {
    return this.#announced === size;
  }

  /** Take an object for the content that is awaited. All of its bytes must be pushed next. */
  give(file: ImportedFile): void {
    this.#announced = undefined;
    this.#given = file;
  }

  inline(bytes: Uint8Array): void {
    this.#inner.inline(bytes);
  }

  fileStart(size: number): void {
    this.#announced = size;
  }

  fileData(bytes: Uint8Array): void {
    if (this.#given !== undefined) return;
    if (this.#announced !== undefined) this.#inner.fileStart(this.#announced);
    this.#announced = undefined;
    this.#inner.fileData(bytes);
  }

  fileEnd(): void {
    const file = this.#given;
    if (file === undefined) return this.#inner.fileEnd();
    this.#given = undefined;
    this.#writer.external(file.id, file.size);
    const [objects, bytes] = COUNTERS[file.method];
    this.#counted[objects] = (this.#counted[objects] ?? 0) + 1;
    if (bytes !== undefined) this.#counted[bytes] = (this.#counted[bytes] ?? 0) + file.size;
  }

  abort(): void {
    this.#inner.abort();
  }
}

const COUNTERS = {
  'already-present': ['objectsAlreadyPresent', undefined],
  copied: ['objectsCopied', 'bytesCopied'],
  hardlinked: ['objectsHardlinked', 'bytesHardlinked'],
  reflinked: ['objectsReflinked', 'bytesReflinked'],
} as const;

import type { LocalObjectStore, StoredObject } from '@cfskit/repository';
import type { SplitstreamWriter } from '@cfskit/splitstream';
import type { SplitSink } from '@cfskit/tar-split';
import type { ImportStats } from './import-stats.ts';

type ObjectWriter = ReturnType<LocalObjectStore['createWriterSync']>;

/** Files up to this size are put together in memory, in a buffer that is used again; larger ones go to the store piece by piece. */
const SMALL_FILE = 1024 * 1024;

/**
 * Receives what a tar is split into: inline bytes go to the splitstream, contents become objects that it refers to.
 * A file that lies in one chunk, as most do, is hashed and written where it lies.
 */
export class LayerSink implements SplitSink {
  readonly #objects: LocalObjectStore;
  readonly #writer: SplitstreamWriter;
  #size = 0;
  #gathered: Uint8Array = new Uint8Array(0);
  #filled = 0;
  #file: ObjectWriter | undefined;
  #copied = 0;
  #present = 0;
  #bytesCopied = 0;
  #bytesInlined = 0;

  constructor(objects: LocalObjectStore, writer: SplitstreamWriter) {
    this.#objects = objects;
    this.#writer = writer;
  }

  /** The counters of this layer, as far as it has come. */
  get stats(): Partial<ImportStats> {
    return {
      objectsCopied: this.#copied,
      objectsAlreadyPresent: this.#present,
      bytesCopied: this.#bytesCopied,
      bytesInlined: this.#bytesInlined,
    };
  }

  inline(bytes: Uint8Array): void {
    this.#bytesInlined += bytes.byteLength;
    this.#writer.inline(bytes);
  }

  fileStart(size: number): void {
    this.#size = size;
    this.#filled = 0;
    if (size > SMALL_FILE) this.#file = this.#objects.createWriterSync(size);
  }

  fileData(bytes: Uint8Array): void {
    if (this.#file !== undefined) this.#file.write(bytes);
    else if (bytes.byteLength === this.#size) this.refer(this.#objects.putSync(bytes));
    else this.#gather(bytes);
  }

  fileEnd(): void {
    const file = this.#file;
    if (file === undefined) return;
    this.#file = undefined;
    this.refer(file.finish());
  }

  /** Makes a stored object the next piece of the stream. */
  refer({ id, size, stored }: StoredObject): void {
    this.#writer.external(id, size);
    if (stored) {
      this.#copied++;
      this.#bytesCopied += size;
    } else {
      this.#present++;
    }
  }

  /** Drops a file that was begun and not finished. */
  abort(): void {
    this.#file?.abort();
    this.#file = undefined;
  }

  #gather(bytes: Uint8Array): void {
    if (this.#gathered.byteLength === 0) this.#gathered = new Uint8Array(SMALL_FILE);
    this.#gathered.set(bytes, this.#filled);
    this.#filled += bytes.byteLength;
    if (this.#filled === this.#size) this.refer(this.#objects.putSync(this.#gathered.subarray(0, this.#size)));
  }
}

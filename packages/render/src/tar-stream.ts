import { paddingOf } from '@cfskit/tar-split';
import type { OutputEntry } from './plan.ts';
import { encodeTarHeader, TAR_END, type TarWriterOptions } from './tar-writer.ts';

const ZEROS = new Uint8Array(1024 * 1024);

/** Bytes of a batch, about; chunks of layers are seldom larger, holes may be. */
const BATCH_SIZE = 4 * 1024 * 1024;

/** Entries and contents as the pieces of a tar, collected until they are taken. Nothing is copied. */
export class TarStream {
  readonly #options: TarWriterOptions;
  #batches: Uint8Array[][] = [];
  #left = 0;
  #padding = 0;

  constructor(options: TarWriterOptions = {}) {
    this.#options = options;
  }

  entry(entry: OutputEntry): void {
    this.#push(encodeTarHeader(entry, this.#options));
    this.#padding = paddingOf(entry.size);
  }

  data(bytes: Uint8Array): void {
    this.#push(bytes);
  }

  hole(size: number): void {
    for (let left = size; left > 0; left -= ZEROS.byteLength) this.#push(ZEROS.subarray(0, Math.min(left, ZEROS.byteLength)));
  }

  /** The content of a file is complete. */
  end(): void {
    if (this.#padding > 0) this.#push(ZEROS.subarray(0, this.#padding));
  }

  /** No entry follows. */
  close(): void {
    this.#push(TAR_END);
  }

  /** The pieces since the last call, in batches of a few MiB: a hole may be long. */
  take(): readonly Uint8Array[][] {
    const batches = this.#batches;
    this.#batches = [];
    this.#left = 0;
    return batches;
  }

  #push(piece: Uint8Array): void {
    if (this.#left <= 0) {
      this.#batches.push([]);
      this.#left = BATCH_SIZE;
    }
    this.#batches.at(-1)!.push(piece);
    this.#left -= piece.byteLength;
  }
}

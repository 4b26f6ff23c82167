import { paddingOf } from '@cfskit/tar-split';
import type { OutputEntry } from './plan.ts';
import { encodeTarHeader, TAR_END, type TarWriterOptions } from './tar-writer.ts';

const ZEROS = new Uint8Array(1024 * 1024);

/** Entries and contents as the pieces of a tar, collected until they are taken. Nothing is copied. */
export class TarStream {
  readonly #options: TarWriterOptions;
  #pieces: Uint8Array[] = [];
  #padding = 0;

  constructor(options: TarWriterOptions = {}) {
    this.#options = options;
  }

  entry(entry: OutputEntry): void {
    this.#pieces.push(encodeTarHeader(entry, this.#options));
    this.#padding = paddingOf(entry.size);
  }

  data(bytes: Uint8Array): void {
    this.#pieces.push(bytes);
  }

  hole(size: number): void {
    for (let left = size; left > 0; left -= ZEROS.byteLength) this.#pieces.push(ZEROS.subarray(0, Math.min(left, ZEROS.byteLength)));
  }

  /** The content of a file is complete. */
  end(): void {
    if (this.#padding > 0) this.#pieces.push(ZEROS.subarray(0, this.#padding));
  }

  /** No entry follows. */
  close(): void {
    this.#pieces.push(TAR_END);
  }

  /** The pieces since the last call. */
  take(): Uint8Array[] {
    const pieces = this.#pieces;
    this.#pieces = [];
    return pieces;
  }
}

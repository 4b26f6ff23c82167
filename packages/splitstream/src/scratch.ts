/** A place outside memory for bytes that are written once and read once: a file without a name, for instance. All synchronous. */
export interface ScratchFile {
  /** The bytes are consumed before it returns. */
  append(bytes: Uint8Array): void;
  /** Everything that was appended, in order. */
  read(): Iterable<Uint8Array>;
  close(): void;
}

/** Bytes kept in memory before a scratch file is used. */
const SPILL_AT = 4 * 2 ** 20;

/** Keeps bytes in order: in memory while they are few, beyond that in a scratch file where there is one. */
export class Spool {
  readonly #openScratch: (() => ScratchFile) | undefined;
  #chunks: Uint8Array[] = [];
  #scratch: ScratchFile | undefined;
  #size = 0;

  constructor(openScratch: (() => ScratchFile) | undefined) {
    this.#openScratch = openScratch;
  }

  get size(): number {
    return this.#size;
  }

  /** The bytes are copied. */
  append(bytes: Uint8Array): void {
    this.#size += bytes.byteLength;
    if (this.#size > SPILL_AT) this.#spill();
    if (this.#scratch !== undefined) this.#scratch.append(bytes);
    else this.#chunks.push(bytes.slice());
  }

  *read(): Generator<Uint8Array, void, undefined> {
    if (this.#scratch !== undefined) yield* this.#scratch.read();
    else yield* this.#chunks;
  }

  /** Forget everything. */
  close(): void {
    this.#chunks = [];
    this.#size = 0;
    const scratch = this.#scratch;
    this.#scratch = undefined;
    scratch?.close();
  }

  #spill(): void {
    if (this.#scratch !== undefined || this.#openScratch === undefined) return;
    this.#scratch = this.#openScratch();
    for (const chunk of this.#chunks) this.#scratch.append(chunk);
    this.#chunks = [];
  }
}

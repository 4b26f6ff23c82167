/** Line feeds, and the carriage returns of progress bars. */
const LINE_ENDS = /\s*[\r\n]\s*/;

/** The last bytes of what a program says, in bounded memory. */
export class Tail {
  readonly #limit: number;
  #chunks: Buffer[] = [];
  #size = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  add(bytes: Buffer): void {
    this.#chunks.push(bytes);
    this.#size += bytes.byteLength;
    if (this.#size > 2 * this.#limit) this.#shorten();
  }

  /** Without blanks around it. */
  text(): string {
    this.#shorten();
    return Buffer.concat(this.#chunks).toString('utf8').trim();
  }

  /** Its lines as parts of one, for the message of an error. */
  sentence(): string {
    return this.text().split(LINE_ENDS).join('; ');
  }

  #shorten(): void {
    this.#chunks = [Buffer.concat(this.#chunks).subarray(-this.#limit)];
    this.#size = this.#chunks[0]!.byteLength;
  }
}

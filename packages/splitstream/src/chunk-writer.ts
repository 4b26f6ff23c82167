import type { ZstdFrameEncoder } from './codec.ts';
import { type ScratchFile, Spool } from './scratch.ts';

/** Content of the stream section goes to the encoder in pieces of this size. */
const BUFFER_SIZE = 2 ** 18;
const CHUNK_HEADER = 8;
const NONE = -1;

/**
 * Makes the content of the stream section: chunks, each with a signed 64-bit number in front.
 *
 * Inline bytes gather in one buffer, behind a place for the number, until a reference ends their run. A run that outgrows the buffer is
 * kept in a {@link Spool}, because its length stands before it: a layer of small files only is a single run.
 */
export class ChunkWriter {
  readonly #encoder: ZstdFrameEncoder;
  readonly #compressed: Spool;
  readonly #longRun: Spool;
  readonly #buffer: Uint8Array<ArrayBuffer> = new Uint8Array(BUFFER_SIZE);
  readonly #view: DataView = new DataView(this.#buffer.buffer);
  #end = 0;
  /** Where in the buffer the open run's number will stand. */
  #run: number = NONE;

  constructor(encoder: ZstdFrameEncoder, scratch: (() => ScratchFile) | undefined) {
    this.#encoder = encoder;
    this.#compressed = new Spool(scratch);
    this.#longRun = new Spool(scratch);
  }

  /** The bytes are copied; calls in a row make one run. */
  inline(bytes: Uint8Array): void {
    if (bytes.byteLength === 0) return;
    if (this.#run === NONE) this.#run = this.#reserve(CHUNK_HEADER);
    if (!this.#fits(bytes)) this.#makeRoom(bytes);
    if (this.#fits(bytes)) {
      this.#buffer.set(bytes, this.#end);
      this.#end += bytes.byteLength;
    } else {
      this.#longRun.append(bytes);
    }
  }

  reference(index: number): void {
    this.#closeRun();
    setInt64(this.#view, this.#reserve(CHUNK_HEADER), index);
  }

  /** @returns the compressed section; the caller closes it */
  async finish(): Promise<Spool> {
    this.#closeRun();
    this.#flush(this.#end);
    for (const piece of await this.#encoder.finish()) this.#compressed.append(piece);
    return this.#compressed;
  }

  /** Release the scratch files of a section that will not be finished. */
  close(): void {
    this.#longRun.close();
    this.#compressed.close();
  }

  #reserve(size: number): number {
    if (this.#end + size > BUFFER_SIZE) this.#flush(this.#end);
    this.#end += size;
    return this.#end - size;
  }

  #fits(bytes: Uint8Array): boolean {
    return this.#end + bytes.byteLength <= BUFFER_SIZE;
  }

  /** Send what is finished to the encoder; if the open run still is in the way, move it out. */
  #makeRoom(bytes: Uint8Array): void {
    this.#flush(this.#run);
    this.#run = 0;
    if (this.#fits(bytes)) return;
    this.#longRun.append(this.#buffer.subarray(CHUNK_HEADER, this.#end));
    this.#end = CHUNK_HEADER;
  }

  #closeRun(): void {
    if (this.#run === NONE) return;
    const inBuffer = this.#end - this.#run - CHUNK_HEADER;
    setInt64(this.#view, this.#run, -(this.#longRun.size + inBuffer));
    this.#run = NONE;
    if (this.#longRun.size > 0) this.#flushLongRun();
  }

  /** The buffer holds the number of the run and, behind that, the run's last bytes. */
  #flushLongRun(): void {
    this.#push(this.#buffer.subarray(0, CHUNK_HEADER));
    for (const piece of this.#longRun.read()) this.#push(piece);
    this.#longRun.close();
    this.#push(this.#buffer.subarray(CHUNK_HEADER, this.#end));
    this.#end = 0;
  }

  #flush(end: number): void {
    if (end === 0) return;
    this.#push(this.#buffer.subarray(0, end));
    this.#buffer.copyWithin(0, end, this.#end);
    this.#end -= end;
  }

  // An encoder that is given nothing may write an empty block.
  #push(bytes: Uint8Array): void {
    if (bytes.byteLength === 0) return;
    this.#encoder.push(bytes);
    for (const piece of this.#encoder.drain?.() ?? []) this.#compressed.append(piece);
  }
}

/** Little-endian, without a bigint for each chunk. */
function setInt64(view: DataView, at: number, value: number): void {
  const high = Math.floor(value / 2 ** 32);
  view.setUint32(at, value - high * 2 ** 32, true);
  view.setInt32(at + 4, high, true);
}

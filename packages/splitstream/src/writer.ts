import { concatBytes } from '@cfskit/binary';
import type { Algorithm, ObjectId } from '@cfskit/fs-verity';
import { ChunkWriter } from './chunk-writer.ts';
import type { SplitstreamCodec } from './codec.ts';
import { encodeHeader, HEADER_SIZE } from './header.ts';
import { IdTable } from './id-table.ts';
import { encodeInfo, INFO_SIZE } from './info.ts';
import { checkName, formatNamedRefs } from './named-refs.ts';
import type { FileRange } from './range.ts';
import type { ScratchFile, Spool } from './scratch.ts';

/** What a writer needs to know. */
export interface SplitstreamWriterOptions {
  /** That of the repository: of all ids. */
  readonly algorithm: Algorithm;
  /** One of {@link CONTENT_TYPE}, or any number below 2^64. */
  readonly contentType: bigint;
  readonly codec: SplitstreamCodec;
  /** Opens a place for what outgrows a few MiB. Without it that is kept in memory, however much it gets. */
  readonly scratch?: () => ScratchFile;
}

/** A complete splitstream file, not yet stored. */
export interface FinishedSplitstream {
  /** Bytes of the file. */
  readonly size: number;
  /** Bytes of the content that it stands for. */
  readonly streamSize: number;
  /** How many of those are in the file itself. */
  readonly inlineBytes: number;
  /** The file, in order. Valid until {@link close}; the chunks may be used as one likes. */
  chunks(): Iterable<Uint8Array>;
  /** Release the scratch file, if there is one. */
  close(): void;
}

/**
 * Writes a splitstream of the current generation, the same bytes as composefs-rs for the same calls.
 *
 * Calls are synchronous. Memory: about a MiB, 50 bytes for each distinct object, and the names; runs of inline bytes and the
 * compressed section beyond 4 MiB go to scratch files. A writer that is given up must be closed.
 */
export class SplitstreamWriter {
  readonly #options: SplitstreamWriterOptions;
  readonly #chunks: ChunkWriter;
  readonly #objectRefs: IdTable;
  readonly #streamRefs: IdTable;
  readonly #namedRefs: Map<string, number> = new Map();
  #streamSize = 0;
  #inlineBytes = 0;
  #isOpen = true;

  constructor(options: SplitstreamWriterOptions) {
    this.#options = options;
    this.#chunks = new ChunkWriter(options.codec.createEncoder(), options.scratch);
    this.#objectRefs = new IdTable(options.algorithm);
    this.#streamRefs = new IdTable(options.algorithm);
  }

  /** Add bytes to the content. They are copied; calls in a row make one chunk, as readers of tar layers require. */
  inline(bytes: Uint8Array): void {
    this.#requireOpen();
    this.#chunks.inline(bytes);
    this.#streamSize += bytes.byteLength;
    this.#inlineBytes += bytes.byteLength;
  }

  /**
   * Add the whole content of an object.
   *
   * @param size bytes of the object; it counts for the stream size and is not stored
   * @throws {TypeError} if `id` is no object id of the algorithm. {RangeError} if `size` is no size
   */
  external(id: ObjectId, size: number): void {
    this.#requireOpen();
    if (!Number.isSafeInteger(size) || size < 0) throw new RangeError(`not the size of an object: ${size}`);
    this.#chunks.reference(this.#objectRefs.add(id));
    this.#streamSize += size;
  }

  /** Keep an object alive that is no part of the content. @throws {TypeError} as {@link external} */
  objectRef(id: ObjectId): void {
    this.#requireOpen();
    this.#objectRefs.add(id);
  }

  /**
   * Refer to another stream, or an image, by a name. A name given twice refers to the last; the first id stays in the table.
   *
   * @throws {SplitstreamError} INVALID_NAME. {TypeError} as {@link external}
   */
  namedRef(name: string, id: ObjectId): void {
    this.#requireOpen();
    checkName(name);
    this.#namedRefs.set(name, this.#streamRefs.add(id));
  }

  /**
   * Complete the file. The writer takes no more calls; when this fails, its scratch files are closed.
   *
   * @throws {RangeError} if the content is 2^53 bytes or more; what the encoder and the scratch files throw
   */
  async finish(): Promise<FinishedSplitstream> {
    this.#requireOpen();
    this.#isOpen = false;
    try {
      return await this.#finish();
    } catch (error) {
      this.#chunks.close();
      throw error;
    }
  }

  /** Release the scratch files of a writer that is not finished; harmless at any time before {@link finish}. */
  close(): void {
    if (this.#isOpen) this.#chunks.close();
    this.#isOpen = false;
  }

  async #finish(): Promise<FinishedSplitstream> {
    const namedRefs = await this.#encodeNamedRefs();
    const stream = await this.#chunks.finish();
    const { head, size } = this.#encodeHead(namedRefs.byteLength, stream.size);
    return {
      size,
      streamSize: this.#streamSize,
      inlineBytes: this.#inlineBytes,
      chunks: () => inOrder([...head, namedRefs], stream),
      close: () => stream.close(),
    };
  }

  async #encodeNamedRefs(): Promise<Uint8Array> {
    const encoder = this.#options.codec.createEncoder();
    const records = formatNamedRefs(this.#namedRefs);
    if (records.byteLength > 0) encoder.push(records);
    return concatBytes(await encoder.finish());
  }

  /** Everything in front of the named refs, without gaps. */
  #encodeHead(namedRefsSize: number, streamSize: number): { head: Uint8Array[]; size: number } {
    const { algorithm, contentType } = this.#options;
    let end = HEADER_SIZE;
    const next = (size: number): FileRange => ({ start: BigInt(end), end: BigInt((end += size)) });
    const infoRange = next(INFO_SIZE);
    const ranges = {
      streamRefs: next(this.#streamRefs.bytes.byteLength),
      objectRefs: next(this.#objectRefs.bytes.byteLength),
      namedRefs: next(namedRefsSize),
      stream: next(streamSize),
    };
    const info = encodeInfo({ ...ranges, contentType, streamSize: this.#streamSize });
    return { head: [encodeHeader(algorithm, infoRange), info, this.#streamRefs.bytes, this.#objectRefs.bytes], size: end };
  }

  #requireOpen(): void {
    if (!this.#isOpen) throw new TypeError('the splitstream is finished or closed');
  }
}

function* inOrder(head: readonly Uint8Array[], stream: Spool): Generator<Uint8Array, void, undefined> {
  yield concatBytes(head);
  yield* stream.read();
}

import { digestLength, type Algorithm, type ObjectId } from '@cfskit/fs-verity';
import { byteSource, readSection, streamSection, type ByteSource } from './byte-source.ts';
import { ChunkReader, type StreamChunk } from './chunk-reader.ts';
import type { SplitstreamCodec } from './codec.ts';
import { SplitstreamError, type SplitstreamErrorCode } from './errors.ts';
import { decodeHeader, HEADER_SIZE } from './header.ts';
import { IdList } from './id-table.ts';
import { decodeInfo, INFO_SIZE } from './info.ts';
import { readNamedRefs } from './named-refs.ts';
import { checkRange, type FileRange, type Section } from './range.ts';

/** A table of references above this is refused: it would be 16 million objects. */
const MAX_TABLE = 512 * 2 ** 20;

/** So is a compressed section of names above this. */
const MAX_NAMED_REFS = 16 * 2 ** 20;

/** How to open a splitstream. */
export interface OpenOptions {
  /** That of the repository; a file of the other one is refused. */
  readonly algorithm: Algorithm;
  readonly codec: SplitstreamCodec;
  /** The type that the file must have; any, if not given. */
  readonly contentType?: bigint;
}

/** An opened splitstream. Its tables are in memory, its content is not. */
export interface Splitstream {
  readonly generation: 'current' | 'old-header';
  readonly algorithm: Algorithm;
  readonly contentType: bigint;
  /** Bytes of the content, as the writer claims. More inline bytes than that are refused; objects are not measured. */
  readonly streamSize: number;
  /** Every object that the content needs, and others that it keeps alive, in the order of first use. */
  readonly objectRefs: readonly ObjectId[];
  /** Targets of the names; may hold some without a name. */
  readonly streamRefs: readonly ObjectId[];
  readonly namedRefs: ReadonlyMap<string, ObjectId>;
  /**
   * The content, in order; each call starts again. Memory is a block of a MiB, whatever the file claims.
   *
   * @throws {SplitstreamError} UNEXPECTED_EOF, CORRUPT_STREAM, BAD_REFERENCE, INLINE_TOO_LARGE, STREAM_TOO_LONG, INCOMPLETE_READ
   */
  chunks(options?: { readonly signal?: AbortSignal }): AsyncIterable<StreamChunk>;
}

/**
 * Open a splitstream of the current generation, or of the one before with its other header.
 *
 * Everything is checked but the content: header, ranges, tables, names. Ranges may lie in any order, with gaps; what lies in them is
 * read only up to fixed limits. The file's own id is not checked: whoever opens it by id does that.
 *
 * @param source not changed, and read again by `chunks`
 * @throws {SplitstreamError} with the codes for opening
 */
export async function openSplitstream(source: ByteSource | Uint8Array, options: OpenOptions): Promise<Splitstream> {
  const file = byteSource(source);
  const { algorithm, codec, contentType } = options;
  const head = await readSection(file, { start: 0, end: Math.min(HEADER_SIZE, file.size) });
  const { generation, info: infoRange } = decodeHeader(head, algorithm);
  const info = decodeInfo(await readInfo(file, infoRange));
  if (contentType !== undefined && info.contentType !== contentType) {
    throw new SplitstreamError('CONTENT_TYPE_MISMATCH', 'Invalid splitstream content type');
  }
  const streamRefs = await readIds(file, info.streamRefs, algorithm, 'BAD_STREAM_REFS', 'Error reading splitstream references');
  const objectRefs = await readIds(file, info.objectRefs, algorithm, 'BAD_OBJECT_REFS', 'Error reading object references');
  const namedSection = await readSection(file, checkRange(info.namedRefs, file.size, MAX_NAMED_REFS));
  const namedRefs = await readNamedRefs(namedSection, codec, streamRefs);
  const stream = checkRange(info.stream, file.size, Infinity);
  return new OpenedSplitstream({ file, codec, generation, algorithm, info, streamRefs, objectRefs, namedRefs, stream });
}

/** The first 80 bytes of the section; what a later version has put behind them is not read. */
async function readInfo(file: ByteSource, range: FileRange): Promise<Uint8Array> {
  const { start, end } = checkRange(range, file.size, Infinity);
  return readSection(file, { start, end: Math.min(end, start + INFO_SIZE) });
}

async function readIds(
  file: ByteSource,
  range: FileRange,
  algorithm: Algorithm,
  code: SplitstreamErrorCode,
  what: string,
): Promise<IdList> {
  const section = checkRange(range, file.size, MAX_TABLE);
  const length = section.end - section.start;
  const idSize = digestLength(algorithm);
  if (length % idSize !== 0) throw new SplitstreamError(code, `${what}: ${length} bytes are no whole number of ids of ${idSize} bytes`);
  return new IdList(await readSection(file, section), algorithm);
}

interface Parts {
  readonly file: ByteSource;
  readonly codec: SplitstreamCodec;
  readonly generation: 'current' | 'old-header';
  readonly algorithm: Algorithm;
  readonly info: { readonly contentType: bigint; readonly streamSize: number };
  readonly streamRefs: IdList;
  readonly objectRefs: IdList;
  readonly namedRefs: ReadonlyMap<string, ObjectId>;
  readonly stream: Section;
}

class OpenedSplitstream implements Splitstream {
  readonly #parts: Parts;
  // Tables become texts when they are asked for: a layer's may hold a million ids that its reader takes one by one.
  #streamRefs: readonly ObjectId[] | undefined;
  #objectRefs: readonly ObjectId[] | undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  get generation(): 'current' | 'old-header' {
    return this.#parts.generation;
  }

  get algorithm(): Algorithm {
    return this.#parts.algorithm;
  }

  get contentType(): bigint {
    return this.#parts.info.contentType;
  }

  get streamSize(): number {
    return this.#parts.info.streamSize;
  }

  get streamRefs(): readonly ObjectId[] {
    return (this.#streamRefs ??= this.#parts.streamRefs.toArray());
  }

  get objectRefs(): readonly ObjectId[] {
    return (this.#objectRefs ??= this.#parts.objectRefs.toArray());
  }

  get namedRefs(): ReadonlyMap<string, ObjectId> {
    return this.#parts.namedRefs;
  }

  async *chunks({ signal }: { readonly signal?: AbortSignal } = {}): AsyncGenerator<StreamChunk, void, undefined> {
    const { objectRefs, info } = this.#parts;
    const reader = new ChunkReader(objectRefs, info.streamSize);
    for await (const block of this.#decompress()) {
      signal?.throwIfAborted();
      yield* reader.push(block);
    }
    reader.finish();
  }

  /** What the codec throws gets a class of this package; what the source throws does not. */
  async *#decompress(): AsyncGenerator<Uint8Array, void, undefined> {
    const { file, stream, codec } = this.#parts;
    const thrown: unknown[] = [];
    try {
      yield* codec.decode(remembering(streamSection(file, stream), thrown));
    } catch (cause) {
      if (thrown.includes(cause)) throw cause;
      throw new SplitstreamError('CORRUPT_STREAM', `Unable to decode zstd-compressed content in splitstream${reasonOf(cause)}`, { cause });
    }
  }
}

/** Passes a source on and keeps what it throws. */
async function* remembering(source: AsyncIterable<Uint8Array>, thrown: unknown[]): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield* source;
  } catch (error) {
    thrown.push(error);
    throw error;
  }
}

function reasonOf(cause: unknown): string {
  return cause instanceof Error ? `: ${cause.message}` : '';
}

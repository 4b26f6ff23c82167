import {
  constants,
  crc32,
  createGzip,
  createInflateRaw,
  createZstdCompress,
  createZstdDecompress,
  inflateRawSync,
  zstdDecompressSync,
  type Zlib,
} from 'node:zlib';
import type { Transform } from 'node:stream';
import type { DecoderBackend, EncoderBackend } from './backend.ts';
import type { UnitDecoder } from './decoder.ts';
import { CompressionError } from './errors.ts';
import { gunzip } from './gzip.ts';
import type { Input } from './input.ts';
import type { Output } from './output.ts';
import { unzstd } from './zstd.ts';
import { decodeFrameHeader, MAX_HEADER_SIZE, ZstdBlockScanner, type ZstdFrameHeader } from './zstd-frame.ts';

type ZlibStream = Transform & Zlib;

/** Output of one native call; the default of 16 KiB costs a third of the speed, and each call a hop to another thread and back. */
const CHUNK_SIZE = 2 ** 20;

/** Units up to this many bytes are decoded in one call, if they decode to no more than the second number. */
const MAX_SMALL = 2 ** 16;
const MAX_SMALL_OUTPUT = 2 ** 20;

/** Gzip by zlib, on libuv's threads. */
export const nodeGzip: DecoderBackend = {
  name: 'node',
  format: 'gzip',
  probe: () => ({ available: true, detail: `zlib ${process.versions.zlib}` }),
  open: () => (input, output) => gunzip(input, output, inflateRaw, crc32),
};

/** Zstd by the library in Node. It stops in silence at the end of the first frame, so each frame gets a decoder of its own. */
export const nodeZstd: DecoderBackend = {
  name: 'node',
  format: 'zstd',
  probe: () => ({ available: true, detail: `zstd ${process.versions['zstd'] ?? 'of unknown version'}` }),
  open: () => (input, output) => unzstd(input, output, decodeFrame),
};

/** Gzip by zlib. */
export const nodeGzipEncoder: EncoderBackend = {
  name: 'node',
  format: 'gzip',
  probe: () => nodeGzip.probe(),
  open: (level) => (input, output) => {
    const stream = createGzip({ chunkSize: CHUNK_SIZE, ...(level !== undefined && { level }) });
    return pump(stream, () => takeAll(input), output, 'gzip');
  },
};

/** Zstd by the library in Node. */
export const nodeZstdEncoder: EncoderBackend = {
  name: 'node',
  format: 'zstd',
  probe: () => nodeZstd.probe(),
  open: (level) => (input, output) => {
    const params = { [constants.ZSTD_c_compressionLevel]: level ?? constants.ZSTD_CLEVEL_DEFAULT };
    return pump(createZstdCompress({ chunkSize: CHUNK_SIZE, params }), () => takeAll(input), output, 'zstd');
  },
};

const inflateRaw: UnitDecoder = async function* (input, output) {
  const small = inflateSmall(input);
  if (small !== undefined) {
    yield* output.writeAll(small);
    return;
  }
  const stream = createInflateRaw({ chunkSize: CHUNK_SIZE });
  let fed = 0;
  const feed = async (): Promise<Uint8Array | undefined> => {
    const piece = await takeAll(input);
    fed += piece?.byteLength ?? 0;
    return piece;
  };
  yield* pump(stream, feed, output, 'gzip');
  // The end of the data ends the stream; what was behind it in the last piece has not been used.
  input.advance(stream.bytesWritten - fed);
};

const decodeFrame: UnitDecoder = async function* (input, output) {
  const head = await input.peek(MAX_HEADER_SIZE);
  const header = decodeFrameHeader(head, input.offset);
  if (header === undefined) throw input.truncated('a zstd frame header');
  const small = decodeSmall(input, header);
  if (small !== undefined) {
    yield* output.writeAll(small);
    return;
  }
  const scanner = new ZstdBlockScanner(header);
  let headerLeft = header.size;
  const feed = async (): Promise<Uint8Array | undefined> => {
    if (scanner.isDone) return undefined;
    if (input.isEmpty && !(await input.fill())) throw input.truncated('a zstd frame');
    const available = input.available;
    const end = headerLeft + scanner.scan(available.subarray(headerLeft));
    headerLeft = 0;
    input.advance(end);
    return available.subarray(0, end);
  };
  yield* pump(createZstdDecompress({ chunkSize: CHUNK_SIZE }), feed, output, 'zstd');
};

/**
 * A whole unit that lies at hand, without a stream of its own: layers with a member or frame for each file (eStargz, zstd:chunked)
 * have tens of thousands of them, and a stream costs 200 µs.
 *
 * @returns undefined if the unit is not complete, not small or not right: the stream has the last word
 */
function inflateSmall(input: Input): Uint8Array | undefined {
  return attempt(() => {
    const options = { info: true, maxOutputLength: MAX_SMALL_OUTPUT, chunkSize: CHUNK_SIZE };
    const result = inflateRawSync(input.available.subarray(0, MAX_SMALL), options) as unknown as SyncResult;
    input.advance(result.engine.bytesWritten);
    return result.buffer;
  });
}

function decodeSmall(input: Input, header: ZstdFrameHeader): Uint8Array | undefined {
  return attempt(() => {
    const scanner = new ZstdBlockScanner(header);
    const available = input.available.subarray(0, MAX_SMALL);
    const size = header.size + scanner.scan(available.subarray(header.size));
    if (!scanner.isDone) return undefined;
    const content = zstdDecompressSync(available.subarray(0, size), { maxOutputLength: MAX_SMALL_OUTPUT, chunkSize: CHUNK_SIZE });
    input.advance(size);
    return content;
  });
}

/** What the synchronous calls return with `info`. */
interface SyncResult {
  readonly buffer: Uint8Array;
  readonly engine: { readonly bytesWritten: number };
}

function attempt<T>(decodeUnit: () => T): T | undefined {
  try {
    return decodeUnit();
  } catch {
    return undefined;
  }
}

async function takeAll(input: Input): Promise<Uint8Array | undefined> {
  if (input.isEmpty && !(await input.fill())) return undefined;
  const piece = input.available;
  input.advance(piece.byteLength);
  return piece;
}

/**
 * Run a stream of node:zlib: one piece at a time goes in, and what comes out is collected. One write waits for the other, because zstd
 * streams that are ended behind a queue of writes add an empty frame.
 *
 * @param feed the next piece, or undefined to end the stream
 */
async function* pump(
  stream: ZlibStream,
  feed: () => Promise<Uint8Array | undefined>,
  output: Output,
  format: string,
): AsyncGenerator<Uint8Array<ArrayBuffer>, void, undefined> {
  const state = new StreamState(stream);
  try {
    for (;;) {
      for (let piece: Uint8Array | null; (piece = stream.read() as Uint8Array | null) !== null;) {
        yield* output.writeAll(piece);
        releaseFull(piece);
      }
      if (state.error !== undefined) throw streamError(state.error, format);
      if (state.isEnded) return;
      // A stream at the end of its data does not use up the last piece, calls back for it nevertheless, and ends a moment later.
      if (state.wantsInput && stream.bytesWritten === state.given) state.give(await feed());
      await state.change();
    }
  } finally {
    stream.destroy();
  }
}

/**
 * Free the memory of an output buffer of zlib that has been copied and is full, so that zlib will not write to it again. Waiting for the
 * garbage collector costs 30 MB and, for 300 MB of layers, 0.2 s.
 */
function releaseFull({ buffer, byteOffset, byteLength }: Uint8Array): void {
  if (buffer instanceof ArrayBuffer && buffer.byteLength === CHUNK_SIZE && byteOffset + byteLength === CHUNK_SIZE) buffer.transfer(0);
}

/** What the events of a stream have told, for a loop that looks at it in its own time. */
class StreamState {
  readonly #stream: Transform;
  wantsInput = true;
  /** Bytes written to the stream. */
  given = 0;
  isEnded = false;
  error: NodeJS.ErrnoException | undefined;
  #hasChanged = false;
  #wake: () => void = () => undefined;

  constructor(stream: Transform) {
    this.#stream = stream;
    stream.on('readable', () => this.#changed());
    stream.on('end', () => {
      this.isEnded = true;
      this.#changed();
    });
    stream.on('error', (error) => {
      this.error ??= error;
      this.#changed();
    });
  }

  /** Write a piece, or end the stream. */
  give(piece: Uint8Array | undefined): void {
    this.wantsInput = false;
    this.given += piece?.byteLength ?? 0;
    if (piece === undefined) this.#stream.end();
    else this.#stream.write(piece, (error) => this.#written(error));
  }

  /** Resolves when something has happened since the last call. */
  async change(): Promise<void> {
    if (!this.#hasChanged) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    this.#hasChanged = false;
  }

  #written(error: Error | null | undefined): void {
    // A stream that was destroyed at its end reports the write that it did not use up.
    this.wantsInput = error === null || error === undefined;
    this.#changed();
  }

  #changed(): void {
    this.#hasChanged = true;
    this.#wake();
  }
}

function streamError(cause: NodeJS.ErrnoException, format: string): CompressionError {
  const message = `${format}: ${cause.message}`;
  if (cause.code === 'Z_BUF_ERROR') return new CompressionError('TRUNCATED', message, { cause });
  const isData = cause.code === 'Z_DATA_ERROR' || cause.code === 'Z_NEED_DICT' || (cause.code?.startsWith('ZSTD_error_') ?? false);
  const isMemory = cause.code === 'ZSTD_error_memory_allocation';
  return new CompressionError(isData && !isMemory ? 'CORRUPT' : 'BACKEND_FAILED', message, { cause });
}

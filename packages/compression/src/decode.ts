import type { StreamDecoder } from './backend.ts';
import { chooseDecoder } from './backends.ts';
import { CompressionError, type CompressionErrorCode } from './errors.ts';
import type { Backend, CompressionFormat } from './format.ts';
import { Input } from './input.ts';
import type { DecodeLimits } from './limits.ts';
import { type Allocate, checkOutputSize, DEFAULT_OUTPUT_SIZE, Output } from './output.ts';
import { passThrough } from './pass-through.ts';

/** What to decode, and how. */
export interface DecodeOptions {
  readonly format: CompressionFormat;
  /** Bounds against bombs; the defaults are those of {@link DecodeLimits}. */
  readonly limits?: DecodeLimits;
  /** `'auto'` if not given. */
  readonly backend?: Backend;
  readonly signal?: AbortSignal;
  /** Bytes of a chunk put out, 1 MiB if not given. The first chunk of a stream and the last may be shorter. */
  readonly outputSize?: number;
  /**
   * Memory for the chunks, for a pipeline that uses buffers again. It is called with `outputSize` and gives at least that much; what
   * is yielded starts where that memory starts.
   */
  readonly allocate?: Allocate;
}

/**
 * Decompress a stream: every gzip member, or every zstd frame, skippable ones passed over; with `'none'`, just the bytes.
 *
 * The verdict on the data comes at its end: whoever acts on a chunk acts on bytes that nothing has vouched for yet. The source is read
 * to its end even where the data ends before it or is refused (unless by a limit), so that a check of the blob's digest in the source
 * sees all of it, and its error comes first. Errors of the source pass through untouched.
 *
 * Memory is flat: a chunk of input, a chunk of output and the decoder's window (32 KiB for gzip, at most 128 MiB for zstd). Decoding
 * by ISA-L, zstd-napi and fflate blocks the thread while a chunk is filled; a chunk of 1 MiB takes about a millisecond.
 *
 * @param source compressed bytes, in chunks of any size; 256 KiB or more are best. They are not written to, nor kept after the next.
 * @returns chunks of about 1 MiB. Each belongs to the consumer and is alone in its ArrayBuffer, which may be transferred.
 * @throws {CompressionError} BACKEND_UNAVAILABLE here; all other codes while iterating
 * @throws {RangeError} if `outputSize` is not an integer from 1 KiB to 1 GiB
 */
export function decode(source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>, options: DecodeOptions): DecodedStream {
  const { outputSize = DEFAULT_OUTPUT_SIZE } = options;
  checkOutputSize(outputSize);
  const decoder = options.format === 'none' ? passThrough : chooseDecoder(options.format, options.backend ?? 'auto').open();
  const input = new Input(source, options.signal);
  return run(decoder, input, new Output(input, options.limits, outputSize, options.allocate));
}

/** What {@link decode} and {@link encode} return. */
export type DecodedStream = AsyncGenerator<Uint8Array<ArrayBuffer>, void, undefined>;

/** Run a decoder or encoder over the whole input. */
export async function* run(decoder: StreamDecoder, input: Input, output: Output): DecodedStream {
  try {
    yield* decoder(input, output);
    const last = output.take();
    if (last.byteLength > 0) yield last;
  } catch (error) {
    if (isVerdictOnData(error)) await input.drain();
    throw error;
  } finally {
    await input.close();
  }
}

const VERDICTS: ReadonlySet<CompressionErrorCode> = new Set([
  'BAD_MAGIC',
  'TRUNCATED',
  'CORRUPT',
  'BAD_CHECKSUM',
  'TRAILING_DATA',
  'UNSUPPORTED',
]);

function isVerdictOnData(error: unknown): boolean {
  return error instanceof CompressionError && VERDICTS.has(error.code);
}

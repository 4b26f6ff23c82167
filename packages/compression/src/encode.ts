import { chooseEncoder } from './backends.ts';
import { type DecodedStream, run } from './decode.ts';
import type { Backend, CompressionFormat } from './format.ts';
import { Input } from './input.ts';
import { UNLIMITED } from './limits.ts';
import { checkOutputSize, DEFAULT_OUTPUT_SIZE, Output } from './output.ts';
import { passThrough } from './pass-through.ts';

/** What to make of the bytes. */
export interface EncodeOptions {
  readonly format: CompressionFormat;
  /** gzip: 0 to 9, 6 if not given. zstd: 1 to 22, 3 if not given. */
  readonly level?: number;
  readonly backend?: Backend;
  readonly signal?: AbortSignal;
  /** Bytes of a chunk put out, 1 MiB if not given; the first and the last may be shorter. */
  readonly outputSize?: number;
}

/**
 * Compress a stream: one gzip member or one zstd frame, without names or times. The same bytes give the same result on one machine;
 * another version of zlib or zstd may give another.
 *
 * @returns chunks that belong to the consumer
 * @throws {CompressionError} BACKEND_UNAVAILABLE
 * @throws {RangeError} if `level` or `outputSize` is out of range
 */
export function encode(source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>, options: EncodeOptions): DecodedStream {
  const { format, level, outputSize = DEFAULT_OUTPUT_SIZE } = options;
  checkOutputSize(outputSize);
  checkLevel(format, level);
  const encoder = format === 'none' ? passThrough : chooseEncoder(format, options.backend ?? 'auto').open(level);
  const input = new Input(source, options.signal);
  return run(encoder, input, new Output(input, UNLIMITED, outputSize, undefined));
}

const LEVELS = { none: [0, 0], gzip: [0, 9], zstd: [1, 22] } as const;

function checkLevel(format: CompressionFormat, level: number | undefined): void {
  const [lowest, highest] = LEVELS[format];
  if (level === undefined || (Number.isInteger(level) && level >= lowest && level <= highest)) return;
  throw new RangeError(`the level of ${format} must be an integer from ${lowest} to ${highest}, not ${level}`);
}

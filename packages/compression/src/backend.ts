import type { Backend, CompressionFormat } from './format.ts';
import type { Input } from './input.ts';
import type { Output } from './output.ts';

/** Decodes a whole stream, from the first byte of `input` to its end; what is left in `output` at last is the caller's to take. */
export type StreamDecoder = (input: Input, output: Output) => AsyncGenerator<Uint8Array<ArrayBuffer>, void, undefined>;

/** Encodes a whole stream, likewise. */
export type StreamEncoder = StreamDecoder;

/** Whether a library is there, with its version or the reason why not. */
export interface Probe {
  readonly available: boolean;
  readonly detail: string;
}

/** One way to decode one format. */
export interface DecoderBackend {
  readonly name: Exclude<Backend, 'auto'>;
  readonly format: Exclude<CompressionFormat, 'none'>;
  probe(): Probe;
  /** Only where {@link probe} says that it is available. */
  open(): StreamDecoder;
}

/** One way to encode one format. */
export interface EncoderBackend {
  readonly name: Exclude<Backend, 'auto'>;
  readonly format: Exclude<CompressionFormat, 'none'>;
  probe(): Probe;
  open(level: number | undefined): StreamEncoder;
}

/**
 * One zstd frame, written piece by piece: what a splitstream's sections are made of.
 *
 * Its bytes do not depend on how the content was cut into pieces.
 */
export interface FrameEncoder {
  /** The bytes are consumed before it returns: the caller may reuse their buffer. */
  push(bytes: Uint8Array): void;
  /** What is finished so far, in order; each piece is handed out once. Optional: it keeps memory flat. */
  drain(): Uint8Array[];
  /** End the frame. Everything that was not drained, in order. */
  finish(): Promise<Uint8Array[]> | Uint8Array[];
}

/** One way to write the frames of splitstreams. */
export interface FrameEncoderBackend {
  readonly name: 'zstd-napi' | 'node';
  probe(): Probe;
  /** Of the library, which the bytes depend on. Only where it is available. */
  version(): string;
  open(): FrameEncoder;
}

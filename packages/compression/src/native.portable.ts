import type { DecoderBackend, EncoderBackend, FrameEncoderBackend } from './backend.ts';

/** Browsers and edge runtimes have none of the native decoders. */
export const nativeDecoders: readonly DecoderBackend[] = [];

/** Nor encoders. */
export const nativeEncoders: readonly EncoderBackend[] = [];

/** Nor a zstd to write splitstreams with. */
export const nativeFrameEncoders: readonly FrameEncoderBackend[] = [];

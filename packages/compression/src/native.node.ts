import type { DecoderBackend, EncoderBackend, FrameEncoderBackend } from './backend.ts';
import { isalGzip } from './isal.ts';
import { nodeFrameEncoder } from './node-frame-encoder.ts';
import { nodeGzip, nodeGzipEncoder, nodeZstd, nodeZstdEncoder } from './node-zlib.ts';
import { napiFrameEncoder, napiZstd, napiZstdEncoder } from './zstd-napi.ts';

/** What Node.js offers, the best of each format first. */
export const nativeDecoders: readonly DecoderBackend[] = [isalGzip, nodeGzip, napiZstd, nodeZstd];

/** What Node.js offers, the best of each format first. */
export const nativeEncoders: readonly EncoderBackend[] = [nodeGzipEncoder, napiZstdEncoder, nodeZstdEncoder];

/** What Node.js offers, the best first. */
export const nativeFrameEncoders: readonly FrameEncoderBackend[] = [napiFrameEncoder, nodeFrameEncoder];

export { backends } from './backends.ts';
export { decode } from './decode.ts';
export { encode } from './encode.ts';
export { CompressionError } from './errors.ts';
export { detectFormat } from './format.ts';
export { createSplitstreamCodec, splitstreamCodec, zstdVersion } from './splitstream-codec.ts';

export type { FrameEncoder } from './backend.ts';
export type { BackendInfo } from './backends.ts';
export type { DecodedStream, DecodeOptions } from './decode.ts';
export type { EncodeOptions } from './encode.ts';
export type { CompressionErrorCode } from './errors.ts';
export type { Backend, CompressionFormat } from './format.ts';
export type { DecodeLimits } from './limits.ts';
export type { Allocate } from './output.ts';
export type { SplitstreamCodec } from './splitstream-codec.ts';

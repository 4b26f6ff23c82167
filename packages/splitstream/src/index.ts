export { readContent } from './content.ts';
export { CONTENT_TYPE } from './content-type.ts';
export { SplitstreamError } from './errors.ts';
export { detectGeneration } from './header.ts';
export { openSplitstream } from './reader.ts';
export { SplitstreamWriter } from './writer.ts';

export type { ByteSource } from './byte-source.ts';
export type { StreamChunk } from './chunk-reader.ts';
export type { SplitstreamCodec, ZstdFrameEncoder } from './codec.ts';
export type { SplitstreamErrorCode } from './errors.ts';
export type { Generation } from './header.ts';
export type { OpenOptions, Splitstream } from './reader.ts';
export type { ScratchFile } from './scratch.ts';
export type { FinishedSplitstream, SplitstreamWriterOptions } from './writer.ts';

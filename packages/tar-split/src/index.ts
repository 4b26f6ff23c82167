export { BLOCK_SIZE, INLINE_CONTENT_MAX, paddingOf } from './block.ts';
export { BlockGatherer } from './block-gatherer.ts';
export { TarSplitError } from './errors.ts';
export { readEntries } from './reader.ts';
export { reconstruct } from './reconstruct.ts';
export { splitTar, TarSplitter } from './splitter.ts';
export { entryType, FIELD, headerChecksum, sumBlock, TYPE } from './ustar.ts';

export type { TarChunk } from './chunk.ts';
export type { TarSplitErrorCode } from './errors.ts';
export type { HeaderFormat } from './header.ts';
export type { TarLimits } from './limits.ts';
export type { TarMember, TarMetadata, TarTime } from './member.ts';
export type { TarXattr } from './pax.ts';
export type { TarEntry, TarFileContent } from './reader.ts';
export type { ReconstructOptions } from './reconstruct.ts';
export type { SplitResult, SplitSink, TarSplitterOptions } from './splitter.ts';
export type { FieldRange, HeaderField, TarEntryType } from './ustar.ts';

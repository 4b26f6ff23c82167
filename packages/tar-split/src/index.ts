export { BLOCK_SIZE, INLINE_CONTENT_MAX } from './block.ts';
export { TarSplitError } from './errors.ts';
export { readEntries } from './reader.ts';
export { reconstruct } from './reconstruct.ts';
export { splitTar, TarSplitter } from './splitter.ts';

export type { TarChunk } from './chunk.ts';
export type { TarSplitErrorCode } from './errors.ts';
export type { HeaderFormat } from './header.ts';
export type { TarLimits } from './limits.ts';
export type { TarEntryType, TarMember, TarMetadata, TarTime } from './member.ts';
export type { TarXattr } from './pax.ts';
export type { TarEntry, TarFileContent } from './reader.ts';
export type { ReconstructOptions } from './reconstruct.ts';
export type { SplitResult, SplitSink, TarSplitterOptions } from './splitter.ts';

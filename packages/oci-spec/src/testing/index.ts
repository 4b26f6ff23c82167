export { imageSourceChecks } from './image-source-checks.ts';
export { LayoutBuilder } from './layout-builder.ts';
export { memoryImageSource, MissingBlobError } from './memory-source.ts';

export type { ContractCheck, MakeImageSource } from './image-source-checks.ts';
export type { EntryOptions, LayerContent, SourceContent } from './layout-builder.ts';
export type { MemorySourceOptions } from './memory-source.ts';

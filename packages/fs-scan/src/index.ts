export { FsScanError } from './errors.ts';
export { scanDirectory } from './scan-directory.ts';

export type { ContentStore, ContentStoreModule, ContentWriter, StoredContent } from './content-store.ts';
export type { FsScanErrorCode } from './errors.ts';
export type { ScannedDirectory, ScanOptions, ScanProgress, ScanStats } from './scan-directory.ts';

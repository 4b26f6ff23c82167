export { OciDirError } from './errors.ts';
export { openOciDir } from './oci-dir.ts';
export { openOciLayoutWriter } from './oci-layout-writer.ts';

export type { OciDirErrorCode, OciDirErrorPlace } from './errors.ts';
export type { LayoutManifest } from './layout-manifests.ts';
export type { OciDir, OpenOciDirOptions } from './oci-dir.ts';
export type { AddBlobOptions, BlobSource, OciLayoutWriter, PutManifestOptions, WriteOptions } from './oci-layout-writer.ts';
export type { Referrer, ReferrersOptions } from './referrers.ts';

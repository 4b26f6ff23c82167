export {
  formatContainersStorageName,
  parseContainersStorageName,
  parseContainersStorageRef,
  parseStoreSpec,
  skopeoStorageName,
} from './containers-storage.ts';
export { configRefName, formatContentId, parseContentId, referrerRefPath, tagRefPath } from './content-id.ts';
export { OciRefError } from './errors.ts';
export { formatImageReference, parseImageReference, parseTransport, transportPrefixes } from './image-reference.ts';
export { formatOciLayoutRef, parseOciLayoutRef, skopeoLayoutRef } from './oci-layout-ref.ts';
export {
  apiHostOf,
  dockerHub,
  formatRegistryName,
  manifestReferenceOf,
  parseRegistryName,
  registryOf,
  shortRegistryName,
} from './registry-name.ts';
export { formatStoredReference, isShortPrefix, parseStoredReference } from './stored-reference.ts';
export { checkTagName, decodeTag, encodeTag } from './tag.ts';

export type { ContainersStorageName, StoreSpec } from './containers-storage.ts';
export type { ContentKind } from './content-id.ts';
export type { OciRefErrorCode } from './errors.ts';
export type { ImageReference, Transport } from './image-reference.ts';
export type { OciLayoutRef, OciLayoutRefOptions } from './oci-layout-ref.ts';
export type { RegistryName } from './registry-name.ts';
export type { DigestPrefix, StoredReference } from './stored-reference.ts';

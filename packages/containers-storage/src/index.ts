export { ContainersStorageError } from './errors.ts';
export { openContainersStorage } from './open-containers-storage.ts';

export type { ContainersStorageErrorCode } from './errors.ts';
export type { OpenContainersStorageOptions } from './open-containers-storage.ts';
export type { StorageImage } from './storage-image.ts';

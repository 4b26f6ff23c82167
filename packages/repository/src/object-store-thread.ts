import { LocalObjectStore, type LocalObjectStoreOptions } from './local-object-store.ts';

/** A module that other threads can import to have a store of their own, and what to call in it. */
export interface ObjectStoreModule {
  /** A `file:` URL. */
  readonly module: string;
  readonly create: 'createObjectStore';
  /** Plain data: it can be sent to a thread. */
  readonly options: Omit<LocalObjectStoreOptions, 'blockHash' | 'verity'>;
}

/**
 * How another thread gets a store of the same objects, for instance those of `scanDirectory` in `@cfskit/fs-scan`.
 *
 * @param store its path, algorithm and so on: a {@link LocalObjectStore} has them
 */
export function objectStoreModule({ path, directory, algorithm, secure }: ObjectStoreModule['options']): ObjectStoreModule {
  return { module: import.meta.url, create: 'createObjectStore', options: { path, directory, algorithm, secure } };
}

/** The function that {@link ObjectStoreModule} names. */
export function createObjectStore(options: LocalObjectStoreOptions): LocalObjectStore {
  return new LocalObjectStore(options);
}

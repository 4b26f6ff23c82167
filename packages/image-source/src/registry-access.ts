import type { RegistryClient, RegistryClientOptions } from '@cfskit/registry';

/** How registries are reached. */
export interface RegistryAccess {
  /** A client of the caller's, who closes it. */
  readonly client?: RegistryClient;
  /** What a client is made with where none is given. */
  readonly registry?: RegistryClientOptions;
}

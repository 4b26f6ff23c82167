export { accessOptions, foreignOption, platformOption, seedOptions, transportOptions } from './access-options.ts';
export { givenCredentials } from './credentials.ts';
export {
  lockOptions,
  openOptions,
  repositoryAlgorithm,
  withRepository,
  withRepositoryIfAny,
  withWritableRepository,
} from './open-repository.ts';
export { readPassword } from './password.ts';
export { readPlatform } from './platform.ts';
export { proxyOptions, withProxySource } from './proxy-source.ts';
export { PULL_DETAILS, pullImage, pullOptions, readPull } from './pull.ts';
export { fetchOptions, localFetchOptions, pullWay } from './pull-way.ts';
export { readValue } from './read-value.ts';
export { repositoryLocation } from './repository-location.ts';
export { pullFromStorage } from './storage-pull.ts';

export type { CredentialValues, GivenCredentials } from './credentials.ts';
export type { ProxyValues, ProxyWay } from './proxy-source.ts';
export type { Pull, PullValues } from './pull.ts';
export type { LocalFetch, PullWay } from './pull-way.ts';
export type { LocationValues } from './repository-location.ts';
export type { StoragePull } from './storage-pull.ts';

export { accessOptions, foreignOption, platformOption, seedOptions, transportOptions } from './images/access-options.ts';
export { givenCredentials } from './images/credentials.ts';
export { readPassword } from './images/password.ts';
export { readPlatform } from './images/platform.ts';
export { readValue } from './images/read-value.ts';

export type { CredentialValues, GivenCredentials } from './images/credentials.ts';

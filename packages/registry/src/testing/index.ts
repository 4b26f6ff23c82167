export { makeCertificate } from './certificate.ts';
export { startTestRegistry } from './registry-server.ts';

export type { TestCertificate } from './certificate.ts';
export type { TestLogin } from './registry-login.ts';
export type { TestRegistry, TestRegistryOptions, TestRequest } from './registry-server.ts';
export type { StoredManifest, TestRepository } from './repository-store.ts';

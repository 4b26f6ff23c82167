import { expect, it } from 'vitest';

it('exports what the README lists', async () => {
  expect(Object.keys(await import('../src/index.ts')).toSorted()).toEqual([
    'CredentialError',
    'RegistryClient',
    'RegistryError',
    'RegistrySource',
    'anonymous',
    'credentialFiles',
    'credentialsFor',
    'login',
    'logout',
    'logoutAll',
    'parseRegistry',
  ]);
  expect(Object.keys(await import('../src/testing/index.ts'))).toEqual(['makeCertificate', 'startTestRegistry']);
});

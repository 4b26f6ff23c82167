import { describe, expect, it } from 'vitest';
import { checkRealm, isSameSite } from '../src/realm.ts';

type Case = [realm: string, registry: string, trusted?: readonly string[]];

const withCredentials: readonly Case[] = [
  ['https://ghcr.io/token', 'https://ghcr.io'],
  ['https://auth.docker.io/token', 'https://registry-1.docker.io'],
  ['https://gitlab.com/jwt/auth', 'https://registry.gitlab.com'],
  ['https://auth.example.com/t', 'https://registry.example.com:5000'],
  ['https://auth.example.co.uk/t', 'https://registry.example.co.uk'],
  ['https://registry.example.com:5001/auth', 'https://registry.example.com:5000'],
  ['http://127.0.0.1:5000/token', 'http://127.0.0.1:5000'],
  ['https://10.0.0.5/token', 'https://10.0.0.5'],
  ['http://127.0.0.1:5001/token', 'http://127.0.0.1:5000', ['127.0.0.1:5001']],
  ['https://sso.other.example/t', 'https://registry.example.com', ['sso.other.example']],
];

const withoutCredentialsOnly: readonly Case[] = [
  ['https://thief.example/token', 'https://registry.victim.example.com'],
  ['https://evil.co.uk/t', 'https://registry.co.uk'],
  ['https://evil.azurecr.io/t', 'https://mine.azurecr.io'],
  ['https://evil.github.io/t', 'https://mine.github.io'],
  ['https://auth.example.com:8443/t', 'https://registry.example.com'],
  ['http://127.0.0.1:5001/token', 'http://127.0.0.1:5000'],
  ['https://127.0.0.1:5001/token', 'https://127.0.0.1:5000'],
  ['http://registry.local/token', 'http://registry.local:5000'],
  ['https://8.8.8.8/t', 'https://registry.example.com'],
  ['https://thief.example/token', 'https://registry.example.com', ['other.example']],
];

const never: readonly Case[] = [
  ['http://registry.example.com/token', 'https://registry.example.com'],
  ['http://auth.example.com/token', 'https://registry.example.com', ['auth.example.com']],
  ['https://169.254.169.254/latest/meta-data', 'https://registry.example.com'],
  ['https://[::ffff:169.254.169.254]/', 'https://registry.example.com'],
  ['https://127.0.0.1/token', 'https://registry.example.com'],
  ['https://0x7f.1/token', 'https://registry.example.com'],
  ['https://localhost/token', 'https://registry.example.com'],
  ['https://10.1.2.3/token', 'https://registry.example.com'],
  ['https://192.168.0.1/token', 'https://10.0.0.1'],
  ['https://0.0.0.0/token', 'https://registry.example.com'],
  ['https://[fd00::1]/token', 'https://registry.example.com'],
  ['ftp://registry.example.com/token', 'https://registry.example.com'],
  ['file:///etc/passwd', 'https://registry.example.com'],
  ['https://user:password@registry.example.com/token', 'https://registry.example.com'],
  ['/token', 'https://registry.example.com'],
  ['', 'https://registry.example.com'],
];

const check = ([realm, registry, trusted = []]: Case, credentials: boolean): URL =>
  checkRealm({ realm, registry: new URL(registry), withCredentials: credentials, trusted });
const refused = expect.objectContaining({ code: 'REALM_REFUSED' }) as unknown;

describe('checkRealm', () => {
  it.each(withCredentials)('lets %s have the credentials for %s', (...found) => {
    expect(check(found, true).href).toBe(new URL(found[0]).href);
  });

  it.each(withoutCredentialsOnly)('asks %s for %s without credentials only', (...found) => {
    expect(check(found, false).href).toBe(new URL(found[0]).href);
    expect(() => check(found, true)).toThrow(refused);
  });

  it.each(never)('never asks %s for %s', (...found) => {
    expect(() => check(found, false)).toThrow(refused);
    expect(() => check(found, true)).toThrow(refused);
  });

  it('tells neither password nor query of a realm', () => {
    for (const realm of ['https://u:secret@a.example/t?x=secret', 'http://a.example/t?secret', 'https://b.example/?secret']) {
      expect(() => check([realm, 'https://registry.example.com'], true)).toThrow(
        expect.not.objectContaining({ message: expect.stringContaining('secret') as unknown }),
      );
    }
  });
});

describe('isSameSite', () => {
  it.each([
    ['a.example.com', 'b.example.com', true],
    ['example.com', 'b.example.com', true],
    ['a.b.example.com', 'c.example.com', true],
    ['example.com', 'example.org', false],
    ['a.co.uk', 'b.co.uk', false],
    ['x.a.co.uk', 'y.a.co.uk', true],
    ['co.uk', 'co.uk', false],
    ['a.vercel.app', 'b.vercel.app', false],
    ['localhost', 'localhost', false],
    ['1.2.3.4', '1.5.3.4', false],
  ])('%s and %s: %s', (a, b, expected) => {
    expect(isSameSite(a, b)).toBe(expected);
  });
});

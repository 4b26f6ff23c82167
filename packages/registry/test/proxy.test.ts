import { describe, expect, it } from 'vitest';
import { proxyFor, type Environment } from '../src/proxy.ts';

const BOTH = { HTTPS_PROXY: 'http://secure:1', HTTP_PROXY: 'http://plain:2' };

const cases: readonly (readonly [name: string, url: string, env: Environment, expected: string | undefined])[] = [
  ['https', 'https://ghcr.io', BOTH, 'http://secure:1/'],
  ['http', 'http://ghcr.io', BOTH, 'http://plain:2/'],
  ['lower case', 'https://ghcr.io', { https_proxy: 'http://p' }, 'http://p/'],
  ['a proxy without scheme', 'https://ghcr.io', { HTTPS_PROXY: 'p:3128' }, 'http://p:3128/'],
  ['a proxy over https', 'https://ghcr.io', { HTTPS_PROXY: 'https://p' }, 'https://p/'],
  ['no proxy', 'https://ghcr.io', {}, undefined],
  ['an empty variable', 'https://ghcr.io', { HTTPS_PROXY: '' }, undefined],
  ['this machine', 'https://127.0.0.1:5000', BOTH, undefined],
  ['this machine by name', 'http://localhost', BOTH, undefined],
  ['a request header posing as HTTP_PROXY', 'http://ghcr.io', { ...BOTH, REQUEST_METHOD: 'GET' }, undefined],
  ['NO_PROXY of everything', 'https://ghcr.io', { ...BOTH, NO_PROXY: '*' }, undefined],
  ['NO_PROXY of the host', 'https://ghcr.io', { ...BOTH, NO_PROXY: 'a.example, ghcr.io' }, undefined],
  ['NO_PROXY of a domain', 'https://a.b.corp.example', { ...BOTH, no_proxy: 'corp.example' }, undefined],
  ['NO_PROXY of subdomains, inside', 'https://a.corp.example', { ...BOTH, NO_PROXY: '.corp.example' }, undefined],
  ['NO_PROXY of subdomains, the domain itself', 'https://corp.example', { ...BOTH, NO_PROXY: '.corp.example' }, 'http://secure:1/'],
  ['NO_PROXY of another domain that ends alike', 'https://xcorp.example', { ...BOTH, NO_PROXY: 'corp.example' }, 'http://secure:1/'],
  ['NO_PROXY in other letters', 'https://ghcr.io', { ...BOTH, NO_PROXY: 'GHCR.IO' }, undefined],
  ['NO_PROXY of a port', 'https://r.example:5000', { ...BOTH, NO_PROXY: 'r.example:5000' }, undefined],
  ['NO_PROXY of the default port', 'https://r.example', { ...BOTH, NO_PROXY: 'r.example:443' }, undefined],
  ['NO_PROXY of another port', 'https://r.example:5000', { ...BOTH, NO_PROXY: 'r.example:5001' }, 'http://secure:1/'],
  ['NO_PROXY of an address', 'https://10.0.0.7', { ...BOTH, NO_PROXY: '10.0.0.7' }, undefined],
  ['NO_PROXY of a network', 'https://10.0.0.7', { ...BOTH, NO_PROXY: '10.0.0.0/8' }, undefined],
  ['NO_PROXY of another network', 'https://11.0.0.7', { ...BOTH, NO_PROXY: '10.0.0.0/8,10.0.0.0/99,x/8' }, 'http://secure:1/'],
  ['NO_PROXY of an IPv6 address', 'https://[fd00::7]', { ...BOTH, NO_PROXY: '[fd00::7]' }, undefined],
  ['NO_PROXY of an IPv6 network', 'https://[fd00::7]', { ...BOTH, NO_PROXY: 'fd00::/8' }, undefined],
];

describe('proxyFor', () => {
  it.each(cases)('%s', (_, url, env, expected) => {
    expect(proxyFor(new URL(url), env)).toBe(expected);
  });

  it.each(['ftp://u:secret@p', 'http://u:secret@', '::secret::'])('refuses %s without telling it', (value) => {
    expect(() => proxyFor(new URL('https://ghcr.io'), { HTTPS_PROXY: value })).toThrow(
      expect.objectContaining({ code: 'CONNECTION', message: expect.not.stringContaining('secret') as unknown }),
    );
  });
});

import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  apiHostOf,
  formatRegistryName,
  manifestReferenceOf,
  OciRefError,
  parseRegistryName,
  registryOf,
  shortRegistryName,
} from '../src/index.ts';

const digest = `sha256:${'ab'.repeat(32)}`;
const digest512 = `sha512:${'ab'.repeat(64)}`;
const hub = { hostname: 'docker.io' };

// The distribution project's rule for short names, and the cases where it and the first client differ.
const accepted: [string, ReturnType<typeof parseRegistryName>, string, string?][] = [
  ['alpine', { ...hub, name: 'library/alpine' }, 'docker.io/library/alpine'],
  ['alpine:3.19', { ...hub, name: 'library/alpine', tag: '3.19' }, 'docker.io/library/alpine:3.19'],
  ['user/app:v2', { ...hub, name: 'user/app', tag: 'v2' }, 'docker.io/user/app:v2'],
  ['ghcr.io/o/i:t', { hostname: 'ghcr.io', name: 'o/i', tag: 't' }, 'ghcr.io/o/i:t'],
  ['reg.io:5000/foo/bar:tag', { hostname: 'reg.io', port: 5000, name: 'foo/bar', tag: 'tag' }, 'reg.io:5000/foo/bar:tag'],
  [`x@${digest}`, { ...hub, name: 'library/x', digest }, `docker.io/library/x@${digest}`],
  [`o/x:t@${digest512}`, { ...hub, name: 'o/x', tag: 't', digest: digest512 }, `docker.io/o/x:t@${digest512}`],
  ['127.0.0.1:5000/x:1', { hostname: '127.0.0.1', port: 5000, name: 'x', tag: '1' }, '127.0.0.1:5000/x:1'],
  ['localhost:5000/foo:dev', { hostname: 'localhost', port: 5000, name: 'foo', tag: 'dev' }, 'localhost:5000/foo:dev'],
  ['localhost:5000/a/b:1', { hostname: 'localhost', port: 5000, name: 'a/b', tag: '1' }, 'localhost:5000/a/b:1'],
  ['localhost/x', { hostname: 'localhost', name: 'x' }, 'localhost/x'],
  ['docker.io/library/alpine:3.19', { ...hub, name: 'library/alpine', tag: '3.19' }, 'docker.io/library/alpine:3.19', 'alpine:3.19'],
  ['docker.io/alpine', { ...hub, name: 'library/alpine' }, 'docker.io/library/alpine', 'alpine'],
  ['index.docker.io/a/b', { ...hub, name: 'a/b' }, 'docker.io/a/b', 'a/b'],
  ['docker.io/library/a/b', { ...hub, name: 'library/a/b' }, 'docker.io/library/a/b', 'library/a/b'],
  ['docker.io/a.b/c', { ...hub, name: 'a.b/c' }, 'docker.io/a.b/c', 'docker.io/a.b/c'],
  ['docker.io:443/x', { hostname: 'docker.io', port: 443, name: 'x' }, 'docker.io:443/x'],
  ['a/b/c', { ...hub, name: 'a/b/c' }, 'docker.io/a/b/c'],
  ['foo.bar', { ...hub, name: 'library/foo.bar' }, 'docker.io/library/foo.bar'],
  ['Host/x', { hostname: 'Host', name: 'x' }, 'Host/x'],
  ['[::1]/x', { hostname: '[::1]', name: 'x' }, '[::1]/x'],
  ['[2001:db8::1]:5000/a/b:t', { hostname: '[2001:db8::1]', port: 5000, name: 'a/b', tag: 't' }, '[2001:db8::1]:5000/a/b:t'],
  ['x.io/a__b/c---d/e.f_g', { hostname: 'x.io', name: 'a__b/c---d/e.f_g' }, 'x.io/a__b/c---d/e.f_g'],
  [`x.io/a:${'t'.repeat(128)}`, { hostname: 'x.io', name: 'a', tag: 't'.repeat(128) }, `x.io/a:${'t'.repeat(128)}`],
  [`x.io/${'a'.repeat(250)}`, { hostname: 'x.io', name: 'a'.repeat(250) }, `x.io/${'a'.repeat(250)}`],
];
const rejected: [string, string][] = [
  ['EMPTY_NAME', ''],
  ['INVALID_NAME', 'Alpine'],
  ['INVALID_NAME', 'a/B'],
  ['INVALID_NAME', 'a//b'],
  ['INVALID_NAME', '/a'],
  ['INVALID_NAME', 'a/'],
  ['INVALID_NAME', 'x.io/'],
  ['INVALID_NAME', 'a/../b'],
  ['INVALID_HOST', './a'],
  ['INVALID_NAME', 'x.io/../../v2'],
  ['INVALID_NAME', 'x.io/a..b'],
  ['INVALID_NAME', 'x.io/a___b'],
  ['INVALID_NAME', 'x.io/-a'],
  ['INVALID_NAME', 'x.io/a-'],
  ['INVALID_NAME', 'x.io/a b'],
  ['INVALID_NAME', 'x.io/a?b'],
  ['INVALID_NAME', 'x.io/ä'],
  ['INVALID_NAME', `x.io/${'a'.repeat(251)}`],
  ['INVALID_NAME', '@sha256:abc'.replace('abc', 'ab'.repeat(32))],
  ['INVALID_NAME', '//quay.io/a'],
  ['INVALID_PORT', 'host:notaport/a/b'],
  ['INVALID_PORT', 'x.io:0/a'],
  ['INVALID_PORT', 'x.io:65536/a'],
  ['INVALID_PORT', 'x.io:/a'],
  ['INVALID_PORT', 'x.io:1e3/a'],
  ['INVALID_HOST', '.io/a'],
  ['INVALID_HOST', 'x..io/a'],
  ['INVALID_HOST', '-x.io/a'],
  ['INVALID_HOST', 'x_y.io/a'],
  ['INVALID_HOST', '::1/a'],
  ['INVALID_HOST', '[::1/a'],
  ['INVALID_HOST', ':5000/a'],
  ['INVALID_TAG', 'a:'],
  ['INVALID_TAG', 'a:-t'],
  ['INVALID_TAG', 'a:t t'],
  ['INVALID_TAG', `a:${'t'.repeat(129)}`],
  ['INVALID_DIGEST', 'a@'],
  ['INVALID_DIGEST', 'a@latest'],
  ['INVALID_DIGEST', 'a@sha256:abc'],
  ['INVALID_DIGEST', `a@${digest.toUpperCase()}`],
  ['INVALID_DIGEST', `a@${digest}@${digest}`],
  ['INVALID_DIGEST', 'a@sha256:../../x'],
  ['INVALID_DIGEST', 'a@blake3:abc'],
];

describe('parseRegistryName', () => {
  it.each(accepted)('takes %s', (text, name, full, short) => {
    expect(parseRegistryName(text)).toEqual(name);
    expect(formatRegistryName(name)).toBe(full);
    expect(shortRegistryName(name)).toBe(short ?? text);
    expect(parseRegistryName(full)).toEqual(name);
    expect(parseRegistryName(shortRegistryName(name))).toEqual(name);
  });
  it.each(rejected)('refuses with %s: %j', (code, text) => {
    expect(() => parseRegistryName(text)).toThrow(expect.objectContaining({ code, input: text }));
  });
  it('gives a name that is safe in URLs and file names and comes back from both texts, or a typed error', () => {
    const piece = fc.constantFrom(
      'a',
      'b.c',
      'A',
      ':',
      '/',
      '@',
      '..',
      '5000',
      'localhost',
      'docker.io',
      'library',
      digest,
      '[::1]',
      '-',
      '_',
      '%2f',
    );
    const near = fc.array(piece, { minLength: 1, maxLength: 8 }).map((parts) => parts.join(''));
    fc.assert(
      fc.property(fc.oneof(near, fc.string()), (text) => {
        expect(verdict(text)).toBe('ok');
      }),
      { numRuns: 3000 },
    );
  });
  it('is quick about long texts', () => {
    expect(() => parseRegistryName(`x.io/${'a-'.repeat(100_000)}`)).toThrow(OciRefError);
    expect(() => parseRegistryName(`${'a.'.repeat(100_000)}/a`)).toThrow(OciRefError);
  });
});

function verdict(text: string): string {
  try {
    const name = parseRegistryName(text);
    if (!/^[a-z0-9._/-]+$/.test(name.name) || name.name.includes('..')) return `unsafe name ${name.name}`;
    const same = [formatRegistryName(name), shortRegistryName(name)].every(
      (form) => formatRegistryName(parseRegistryName(form)) === formatRegistryName(name),
    );
    return same ? 'ok' : 'does not come back';
  } catch (error) {
    return error instanceof OciRefError ? 'ok' : String(error);
  }
}

it.each([
  ['alpine', 'docker.io', 'registry-1.docker.io', 'latest'],
  ['ghcr.io/o/i:t', 'ghcr.io', 'ghcr.io', 't'],
  [`localhost:5000/i:t@${digest}`, 'localhost:5000', 'localhost:5000', digest],
])('%s is at %s, asked at %s for %s', (text, registry, api, reference) => {
  const name = parseRegistryName(text);
  expect([registryOf(name), apiHostOf(name), manifestReferenceOf(name)]).toEqual([registry, api, reference]);
});

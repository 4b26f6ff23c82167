import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatPlatform, matchesPlatform, nativePlatform, parsePlatform, platformRank } from '../src/index.ts';

describe('parsePlatform', () => {
  it.each([
    ['linux/amd64', { os: 'linux', architecture: 'amd64' }],
    ['linux/arm/v7', { os: 'linux', architecture: 'arm', variant: 'v7' }],
    ['unknown/unknown', { os: 'unknown', architecture: 'unknown' }],
  ])('takes %s', (text, platform) => {
    expect(parsePlatform(text)).toEqual(platform);
  });
  it.each(['', 'linux', 'amd64', 'linux/', '/amd64', 'linux/amd64/', 'linux/arm/v7/x', 'linux /amd64', 'linux/../x/y', 'linux\n/amd64'])(
    'refuses %j',
    (text) => {
      expect(() => parsePlatform(text)).toThrow(expect.objectContaining({ code: 'INVALID_PLATFORM' }));
    },
  );
  it('is the inverse of formatPlatform', () => {
    const part = fc.stringMatching(/^[A-Za-z0-9_.-]+$/);
    fc.assert(
      fc.property(fc.array(part, { minLength: 2, maxLength: 3 }), (parts) => {
        expect(formatPlatform(parsePlatform(parts.join('/')))).toBe(parts.join('/'));
      }),
    );
  });
});

it.each([
  ['x64', 'amd64'],
  ['ia32', '386'],
  ['ppc64', 'ppc64le'],
  ['riscv64', 'riscv64'],
  ['s390x', 's390x'],
  ['arm', 'arm'],
  ['arm64', 'arm64'],
  ['mipsel', 'mipsle'],
  ['loong64', 'loong64'],
])('Node calls it %s, images %s', (arch, architecture) => {
  expect(nativePlatform({ arch, platform: 'darwin' })).toEqual({ os: 'linux', architecture });
});
it('takes the process itself', () => {
  expect(nativePlatform(process).os).toBe('linux');
});

describe('platformRank', () => {
  it.each([
    ['linux/amd64', 'linux/amd64', 0],
    ['linux/amd64', 'linux/arm64', undefined],
    ['linux/amd64', 'windows/amd64', undefined],
    ['linux/amd64', 'linux/amd64/v3', 0],
    ['linux/arm', 'linux/arm/v6', 0],
    ['linux/arm64/v8', 'linux/arm64', 0],
    ['linux/arm64/v8', 'linux/arm64/v8', 0],
    ['linux/arm64/v8', 'linux/arm64/v9', undefined],
    ['linux/arm64/v9', 'linux/arm64', 1],
    ['linux/arm/v7', 'linux/arm/v7', 0],
    ['linux/arm/v7', 'linux/arm', 0],
    ['linux/arm/v7', 'linux/arm/v6', 1],
    ['linux/arm/v7', 'linux/arm/v5', 2],
    ['linux/arm/v6', 'linux/arm/v7', undefined],
    ['linux/arm/v6', 'linux/arm', undefined],
    ['linux/amd64/v3', 'linux/amd64/v2', 1],
    ['linux/amd64/v3', 'linux/amd64', 2],
    ['linux/amd64/v2', 'linux/amd64/v3', undefined],
    ['linux/amd64/v1', 'linux/amd64', 0],
    ['linux/amd64/x', 'linux/amd64/v1', undefined],
    ['linux/ppc64le/power9', 'linux/ppc64le/power9', 0],
    ['linux/ppc64le/power9', 'linux/ppc64le/power8', undefined],
    ['linux/ppc64le/power9', 'linux/ppc64le', undefined],
  ])('%s wanted, %s found: %s', (wanted, found, rank) => {
    expect(platformRank(parsePlatform(wanted), parsePlatform(found))).toBe(rank);
    expect(matchesPlatform(parsePlatform(wanted), parsePlatform(found))).toBe(rank !== undefined);
  });
});

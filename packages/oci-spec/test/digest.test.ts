import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { digestAlgorithm, digestOf, isDigest, OciSpecError, parseDigest } from '../src/index.ts';
import { utf8 } from './bytes.ts';
import { outcome } from './outcome.ts';

// The grammar of the image specification's "Digests" section, and the lengths of its registered algorithms.
const accepted: [string, string, string][] = [
  [`sha256:${'0a'.repeat(32)}`, 'sha256', '0a'.repeat(32)],
  [`sha384:${'0a'.repeat(48)}`, 'sha384', '0a'.repeat(48)],
  [`sha512:${'0a'.repeat(64)}`, 'sha512', '0a'.repeat(64)],
  ['blake3:AbC=_-9', 'blake3', 'AbC=_-9'],
  ['multihash+base58:QmRZxt2b1FVZPNqd8hsiykDL3TdBDeTSPX9Kv46HmX4Gx8', 'multihash+base58', 'QmRZxt2b1FVZPNqd8hsiykDL3TdBDeTSPX9Kv46HmX4Gx8'],
  ['sha256+b64u:LCa0a2j_xo_5m0U8HTBBNBNCLXBkg7-g-YpeiGJm564', 'sha256+b64u', 'LCa0a2j_xo_5m0U8HTBBNBNCLXBkg7-g-YpeiGJm564'],
  ['a.b-c_d+e:x', 'a.b-c_d+e', 'x'],
];
const rejected = [
  '',
  'sha256',
  'sha256:',
  ':abc',
  'sha256:../x',
  'sha256:../../../etc/passwd',
  'sha256:abc123def456',
  `sha256:${'0a'.repeat(31)}`,
  `sha256:${'0a'.repeat(33)}`,
  `sha256:${'0A'.repeat(32)}`,
  `sha256:${'0g'.repeat(32)}`,
  `sha384:${'0a'.repeat(32)}`,
  `sha512:${'0a'.repeat(32)}`,
  `SHA256:${'0a'.repeat(32)}`,
  `sha256:${'0a'.repeat(32)}\n`,
  ` sha256:${'0a'.repeat(32)}`,
  'a..b:x',
  '+a:x',
  'a+:x',
  'a:b:c',
  'a:b/c',
  'a:b\0',
  'ä:b',
];

describe('parseDigest', () => {
  it.each(accepted)('takes %s', (text, algorithm, encoded) => {
    expect(parseDigest(text)).toEqual({ algorithm, encoded });
    expect(isDigest(text)).toBe(true);
  });
  it.each(rejected)('refuses %j', (text) => {
    expect(() => parseDigest(text)).toThrow(expect.objectContaining({ code: 'INVALID_DIGEST' }));
    expect(isDigest(text)).toBe(false);
  });
  it('gives a value that holds no path, or a typed error', () => {
    const near = fc.array(fc.constantFrom('sha256', ':', '0a'.repeat(32), '/', '..', 'a', '+', '=', '\n'), { maxLength: 5 });
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          near.map((parts) => parts.join('')),
        ),
        (text) => {
          const result = outcome(() => parseDigest(text));
          const holds = 'value' in result ? !/[/\0]|\.\./.test(result.value.encoded) : result.error instanceof OciSpecError;
          expect(holds).toBe(true);
          expect(isDigest(text)).toBe('value' in result);
        },
      ),
    );
  });
  it('does not put a long text into its message', () => {
    expect(() => parseDigest('x'.repeat(1_000_000))).toThrow(/^.{1,200}$/);
  });
});

describe('digestAlgorithm', () => {
  it.each(['sha256', 'sha384', 'sha512'] as const)('knows %s', (algorithm) => {
    expect(digestAlgorithm(digestOf(utf8(''), algorithm))).toBe(algorithm);
  });
  it('refuses others', () => {
    expect(() => digestAlgorithm('blake3:abc')).toThrow(expect.objectContaining({ code: 'UNKNOWN_ALGORITHM', digest: 'blake3:abc' }));
    expect(() => digestAlgorithm('sha256:abc')).toThrow(expect.objectContaining({ code: 'INVALID_DIGEST' }));
    expect(() => digestAlgorithm('constructor:abc')).toThrow(expect.objectContaining({ code: 'UNKNOWN_ALGORITHM' }));
  });
});

it('digestOf is sha256 unless told otherwise', () => {
  expect(digestOf(utf8('abc'))).toBe('sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
});
